#!/usr/bin/env python3
"""What people run today in place of tunelint, for table.py to run beside it: one thread each, and one line of output.

usage: peers.py loads FILE | notebook FILE VOCABULARIES | pillow FILE | generate PARQUET OUT ROWS
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any


def loads(path: str) -> str:
    """A loop over `json.loads` that does nothing else."""
    lines = 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            json.loads(line)
            lines += 1
    return f"{lines} lines"


def encoding(vocabularies: str) -> Any:
    """o200k_base of tiktoken, from files that are here already."""
    import tiktoken
    import tiktoken_ext.openai_public as public

    os.environ["TIKTOKEN_CACHE_DIR"] = ""
    load = public.load_tiktoken_bpe
    public.load_tiktoken_bpe = lambda url, **rest: load(str(Path(vocabularies, url.rsplit("/", 1)[1])), **rest)
    return tiktoken.get_encoding("o200k_base")


def notebook(path: str, vocabularies: str) -> str:
    """The steps of OpenAI's cookbook notebook "Data preparation and analysis for chat model fine-tuning".

    As there: everything is loaded first, the format is checked, then all text is counted for the length of the examples
    and that of the assistant once more for what is trained on. The encoding is that of today's models.
    """
    import numpy as np

    encode = encoding(vocabularies).encode
    with open(path, encoding="utf-8") as file:
        dataset = [json.loads(line) for line in file]
    errors: Counter[str] = Counter()
    for example in dataset:
        if not isinstance(example, dict):
            errors["data_type"] += 1
            continue
        messages = example.get("messages")
        if not messages:
            errors["missing_messages_list"] += 1
            continue
        for message in messages:
            if "role" not in message or "content" not in message:
                errors["message_missing_key"] += 1
            if any(key not in ("role", "content", "name", "function_call", "weight") for key in message):
                errors["message_unrecognized_key"] += 1
            if message.get("role") not in ("system", "user", "assistant", "function"):
                errors["unrecognized_role"] += 1
            content, call = message.get("content"), message.get("function_call")
            if (not content and not call) or not isinstance(content, str):
                errors["missing_content"] += 1
        if not any(message.get("role") == "assistant" for message in messages):
            errors["example_missing_assistant_message"] += 1

    def tokens_of(messages: list[dict[str, str]]) -> int:
        count = 0
        for message in messages:
            count += 3
            for key, value in message.items():
                count += len(encode(value)) + (key == "name")
        return count + 3

    def trained_of(messages: list[dict[str, str]]) -> int:
        return sum(len(encode(message["content"])) for message in messages if message["role"] == "assistant")

    without_system = without_user = 0
    counts, lengths, trained = [], [], []
    for example in dataset:
        messages = example["messages"]
        without_system += not any(message["role"] == "system" for message in messages)
        without_user += not any(message["role"] == "user" for message in messages)
        counts.append(len(messages))
        lengths.append(tokens_of(messages))
        trained.append(trained_of(messages))
    for values in (counts, lengths, trained):
        min(values), max(values), np.mean(values), np.median(values), np.quantile(values, 0.1), np.quantile(values, 0.9)
    epochs = 3 if len(dataset) * 3 <= 25_000 else max(1, 25_000 // len(dataset))
    billed = epochs * sum(min(65_536, length) for length in lengths)
    return f"{sum(lengths)} tokens in {len(dataset)} examples, {sum(trained)} trained, {billed} billed, {sum(errors.values())} errors"


def pillow(path: str) -> str:
    """Opens and decodes each image once; nothing else of a line is looked at."""
    import base64
    import io

    from PIL import Image

    known: dict[int, bool] = {}
    images = 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            for message in json.loads(line)["messages"]:
                if isinstance(message["content"], str):
                    continue
                for part in message["content"]:
                    if part["type"] != "image_url":
                        continue
                    images += 1
                    url = part["image_url"]["url"]
                    key = hash(url)
                    if key in known:
                        continue
                    try:
                        with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2], validate=True))) as image:
                            image.load()
                            known[key] = image.mode in ("RGB", "RGBA")
                    except (OSError, SyntaxError, ValueError):
                        known[key] = False
    return f"{images} images, {len(known)} distinct, {sum(known.values())} whole"


def generate(source: str, out: str, rows: str) -> str:
    """The steps of OpenAI's cookbook notebook on vision fine-tuning: shuffle, choose, explode, re-encode, six examples before each."""
    import base64
    import io
    import tempfile

    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    from datasets import load_dataset
    from PIL import Image

    with tempfile.TemporaryDirectory(dir=Path(out).parent) as cache:
        data = load_dataset("parquet", data_files={"train": source}, cache_dir=cache)["train"]
        frame = data.shuffle(seed=42).select(range(int(rows))).to_pandas()
    frame["image"] = frame["image"].apply(lambda image: Image.open(io.BytesIO(image["bytes"])))
    frame = frame.explode(["questions", "answers"]).rename(columns={"questions": "question", "answers": "answer"})
    frame = frame.reset_index(drop=True)[["question", "answer", "image"]]

    def text(text: str) -> dict[str, str]:
        return {"type": "text", "text": text}

    def image(picture: Any) -> dict[str, Any]:
        buffer = io.BytesIO()
        (picture if picture.mode == "RGB" else picture.convert("RGB")).save(buffer, format="JPEG", quality=50)
        return {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()}}

    shots: list[dict[str, Any]] = []
    for number in range(6):
        row = frame.iloc[number * 37]
        shots.append({"role": "user", "content": [text(f"**Example {number + 1}:** {row['question']}"), image(row["image"])]})
        shots.append({"role": "assistant", "content": [text(f"**Conclusion:** {row['answer']}")]})
    examples = []
    for index, row in frame.iterrows():
        messages = [{"role": "system", "content": [text("Answer the question about the book whose cover is shown.")]}, *shots]
        messages.append({"role": "user", "content": [text(f"Question [{index}]: {row['question']}"), image(row["image"])]})
        messages.append({"role": "assistant", "content": [text(row["answer"])]})
        examples.append({"messages": messages})
    with open(out, "w", encoding="utf-8") as file:
        for example in examples:
            json.dump(example, file)
            file.write("\n")
    return f"{len(examples)} examples, {os.path.getsize(out)} bytes"


if __name__ == "__main__":
    works = {"loads": loads, "notebook": notebook, "pillow": pillow, "generate": generate}
    print(works[sys.argv[1]](*sys.argv[2:]))
