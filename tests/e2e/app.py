import openai

client = openai.OpenAI()
reply = client.chat.completions.create(model="sim-small", messages=[{"role": "user", "content": "Hello?"}])
print(reply.choices[0].message.content)
