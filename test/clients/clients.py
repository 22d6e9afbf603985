"""Official clients, unchanged, against a gateway. Prints one JSON object: what each of them was told."""

import json
import os

import anthropic
import openai

ORIGIN = os.environ["ORIGIN"]
KEY = os.environ["KEY"]
WORDS = [{"role": "user", "content": "Why a gateway?"}]
TOOL = {"type": "function", "function": {"name": os.environ["TOOL"], "parameters": {"type": "object"}}}


def status_of(ask):
    """The class and the status of what a call raised."""
    try:
        ask()
    except Exception as error:
        return [type(error).__name__, getattr(error, "status_code", None)]
    return None


def of_openai():
    client = openai.OpenAI(base_url=f"{ORIGIN}/v1", api_key=KEY, max_retries=0)
    stranger = openai.OpenAI(base_url=f"{ORIGIN}/v1", api_key="sk-none", max_retries=0)
    chat = client.chat.completions
    whole = chat.create(model="chat", messages=WORDS)
    said, finish, usage = "", None, None
    for chunk in chat.create(model="chat", messages=WORDS, stream=True, stream_options={"include_usage": True}):
        if chunk.choices:
            said += chunk.choices[0].delta.content or ""
            finish = chunk.choices[0].finish_reason or finish
        usage = chunk.usage or usage
    called = chat.create(model="calls", messages=WORDS, tools=[TOOL]).choices[0].message.tool_calls[0]
    return {
        "version": openai.__version__,
        "whole": whole.choices[0].message.content,
        "output": whole.usage.completion_tokens,
        "streamed": said,
        "finish": finish,
        "streamedOutput": usage.completion_tokens,
        "call": [called.id, called.function.name, called.function.arguments],
        "broken": status_of(lambda: list(chat.create(model="breaks", messages=WORDS, stream=True))) is not None,
        "unknown": status_of(lambda: chat.create(model="none", messages=WORDS)),
        "stranger": status_of(lambda: stranger.chat.completions.create(model="chat", messages=WORDS)),
        "models": sorted(model.id for model in client.models.list()),
        "response": client.responses.create(model="chat", input="Why?").output_text,
    }


def of_anthropic():
    client = anthropic.Anthropic(base_url=ORIGIN, api_key=KEY, max_retries=0)
    stranger = anthropic.Anthropic(base_url=ORIGIN, api_key="none", max_retries=0)
    asked = {"max_tokens": 100, "messages": WORDS}
    tool = {"name": os.environ["TOOL"], "input_schema": {"type": "object"}}
    whole = client.messages.create(model="chat", **asked)
    with client.messages.stream(model="chat", **asked) as stream:
        final = stream.get_final_message()
    with client.messages.stream(model="calls", tools=[tool], **asked) as stream:
        called = next(block for block in stream.get_final_message().content if block.type == "tool_use")

    def broken():
        with client.messages.stream(model="breaks", **asked) as stream:
            stream.get_final_message()

    return {
        "version": anthropic.__version__,
        "whole": whole.content[0].text,
        "output": whole.usage.output_tokens,
        "streamed": final.content[0].text,
        "finish": final.stop_reason,
        "streamedOutput": final.usage.output_tokens,
        "call": [called.id, called.name, called.input],
        "broken": status_of(broken) is not None,
        "unknown": status_of(lambda: client.messages.create(model="none", **asked)),
        "stranger": status_of(lambda: stranger.messages.create(model="chat", **asked)),
        "models": sorted(model.id for model in client.models.list()),
    }


print(json.dumps({"openai": of_openai(), "anthropic": of_anthropic()}))
