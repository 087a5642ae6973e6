"""`python -m throughline.cli`: the command where no script of it is at hand; it does nothing else."""

from throughline.cli import main

if __name__ == "__main__":
    main()
