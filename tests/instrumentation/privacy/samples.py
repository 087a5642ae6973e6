"""Values of every kind that the masker must find, and texts that look like one and are none; no tests."""

# Keys are assembled at run time: written out, they would trip every secret scanner that reads this repository.
_RANDOM = "Zx9Kq2Lm7Pw4Rt8Vb3Nc6Hd1Js5Fg0YaUeOiTsQwErTyUiOpAsDfGhJkLzXcVbNm1234567890abcdef"
_HEX = "0123456789abcdef" * 4

JWT = ".".join(
    (
        "eyJ" + "hbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        "eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0",
        "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    )
)
PRIVATE_KEY = "\n".join(
    (f"-----BEGIN RSA {'PRIVATE'} KEY-----", _RANDOM[:64], f"{_RANDOM[:20]}==", f"-----END RSA {'PRIVATE'} KEY-----")
)

API_KEYS = {
    "OpenAI project": f"sk-proj-{_RANDOM[:40]}-_{_RANDOM[:20]}",
    "OpenAI service account": f"sk-svcacct-{_RANDOM[:40]}",
    "OpenAI legacy": f"sk-{_RANDOM[:48]}",
    "Anthropic": f"sk-ant-api03-{_RANDOM[:40]}-{_RANDOM[:20]}AA",
    "OpenRouter": f"sk-or-v1-{_HEX}",
    "Google": f"AIza{_RANDOM[:35]}",
    "Google OAuth": f"ya29.{_RANDOM[:60]}",
    "AWS key id": "AKIA" + "IOSFODNN7EXAMPLE",
    "AWS temporary key id": "ASIA" + "IOSFODNN7EXAMPLE",
    "Azure client secret": f"abc8Q~{_RANDOM[:34]}",
    "GitHub personal": f"ghp_{_RANDOM[:36]}",
    "GitHub fine-grained": f"github_pat_{_RANDOM[:22]}_{_RANDOM[:59]}",
    "GitHub app": f"ghs_{_RANDOM[:36]}",
    "GitLab": f"glpat-{_RANDOM[:20]}",
    "Slack bot": f"xoxb-123456789012-1234567890123-{_RANDOM[:24]}",
    "Stripe": f"sk_live_{_RANDOM[:24]}",
    "Stripe restricted": f"rk_test_{_RANDOM[:24]}",
    "Hugging Face": f"hf_{_RANDOM[:34]}",
    "Groq": f"gsk_{_RANDOM[:52]}",
    "xAI": f"xai-{_RANDOM[:80]}",
}

# kind: values, each masked whole wherever it stands between spaces
VALUES: dict[str, tuple[str, ...]] = {
    "email": (
        "taro.yamada@example.com",
        "TARO@EXAMPLE.CO.JP",
        "o'brien+tag@mail.example.org",
        "a@b.io",
        "j\u00f6rg@b\u00fccher.example",
        "user@xn--bcher-kva.example",
        "\uff54\uff41\uff52\uff4f\uff20example.com",
    ),
    "phone": (
        "+81 90-1234-5678",
        "+819012345678",
        "+1 (212) 555-0123",
        "+44 (0)20 7946 0958",
        "+49 171 1234567",
        "0044 20 7946 0958",
        "090-1234-5678",
        "09012345678",
        "\uff10\uff19\uff10\uff0d\uff11\uff12\uff13\uff14\uff0d\uff15\uff16\uff17\uff18",
        "090\u30fc1234\u30fc5678",
        "03-1234-5678",
        "(03) 1234-5678",
        "(212) 555-0123",
        "212-555-0123",
        "1-212-555-0123",
        "06 12 34 56 78",
        "06.12.34.56.78",
        "020 7946 0958",
        "0171/1234567",
        "131 2345 6789",
    ),
    "payment_card": (
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "4222222222222",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "3782 822463 10005",
        "30569309025904",
        "6011111111111117",
        "3566002020360505",
        "6200000000000005",
    ),
    "iban": (
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "de89 3704 0044 0532 0130 00",
        "de89370400440532013000",
        "GB29 NWBK 6016 1331 9268 19",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NO9386011117947",
        "no9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "SE45 5000 0000 0583 9825 7466",
    ),
    "ip_address": (
        "203.0.113.7",
        "10.20.30.40",
        "192.168.0.1",
        "2001:db8::ff00:42:8329",
        "2001:0db8:0000:0000:0000:ff00:0042:8329",
        "fe80::1",
        "::ffff:192.0.2.128",
    ),
    "my_number": ("621498320257", "6214 9832 0257", "6214-9832-0257", "123456789018"),
    "jwt": (JWT,),
    "private_key": (PRIVATE_KEY, PRIVATE_KEY.replace("RSA ", "")),
    "api_key": tuple(API_KEYS.values()),
}

# A near miss, or something ordinary that only looks like a value: never changed.
HARMLESS = (
    # e-mail
    "@app.route('/users')",
    "lodash@4.17.21 and @angular/core@17.0.1",
    "git@github.com:example/project.git",
    "http://localhost:8080/@angular/core?page=2&sort=name",
    "http://[::1]:80/path",
    "ssh://git@localhost/project",
    "user@localhost",
    "a @ b.com",
    "5 units @ 3.50 each",
    # phone
    "order 1234567890 of 2026-11-23 10:46:59",
    "23.11.2026, 01.12.2026, 01/12/2026, 01-12-2026 and 2026/11/23",
    "02908-3733",
    "978-3-16-148410-0",
    "$1,234,567.00 or 1.234.567,00",
    "044 969 309 520 944 939 335 734",
    "+15 and +1000000",
    "ticket-0901-2345-6789",
    "555-0123",
    # card and My Number
    "4111111111111112",
    "4111 1111 1111 1112",
    "1732358819000 1732358819000000 1732358819000000000",
    "550e8400-e29b-41d4-a716-446655440000",
    "12345678-1234-1234-1234-123456789012",
    "0.4111111111111111",
    "41111111111111110000000",
    "9111111111111111",
    "621498320258",
    "6214-9832-0257-1",
    "202611231049",
    "3.14159265358979323846",
    # IBAN
    "DE88370400440532013000",
    "GB29 NWBK 6016 1331 9268 18",
    "ABCD1234EFGH5678IJKL",
    # IP address
    "version 1.2.3.4",
    "v1.2.30.4 or numpy==1.26.4.1",
    "project-10.2.3.4.tar.gz",
    "127.0.0.1, 0.0.0.0 and ::1",
    "1.3.6.1.4.1.311.21",
    "300.1.20.1",
    "10:46:59",
    "rows[1::2], rows[::10]",
    "std::dec, face::bad, Foo::Bar",
    "00:1b:44:11:3a:b7",
    # keys
    "sk-learn-like-names-with-many-dashes",
    "hf_hub_download_to_local_directory",
    "d41d8cd98f00b204e9800998ecf8427e",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "basic characteristics, basic understanding2",
    "The bearer of this letter and the secret key: patience",
    "max_tokens=4096, token_count = 1234567",
    "self.client.chat.completions.create(**parameters)",
    "eyJust.a.sentence",
    "-----BEGIN CERTIFICATE-----",
    "AKIAINDEED",
)
