#!/usr/bin/env python3
"""Makes the files that the benches read: the same bytes for the same arguments (images: with the same Pillow).

usage: make.py KIND FILE [--bytes N] [--seed N]

text      chats: English with some code and some Chinese, a third of the lines with \\u escapes
english, code, chinese
          chats of one kind of text
small     chats of one short turn
hook      twelve chats, as a commit hook meets them
vision    chats over images of which most repeat: few-shot images stand in every line
distinct  chats over images that all differ, of 400 x 500 to 1600 x 1200 pixels
books     Parquet shaped as howard-hou/OCR-VQA; --bytes is the number of images; FILE.jsonl has the same images in chats

Text needs the standard library only, images need numpy and Pillow, books need pyarrow besides. A smaller file of text or
vision is the beginning of a larger one.
"""

from __future__ import annotations

import argparse
import base64
import io
import itertools
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SIZES = {"text": 209_000_000, "english": 32_000_000, "code": 32_000_000, "chinese": 32_000_000, "small": 100_000_000,
         "hook": 0, "vision": 300_000_000, "distinct": 300_000_000, "books": 1_500}  # fmt: skip

Chat = dict[str, Any]


# --- text

COMMON = """the of and to a in that is was he for it with as his on be at by i this had not are but from or have an they which one you were
her all she there would their we him been has when who will more no if out so said what up its about into than them can only other new some
could time these two may then do first any my now such like our over man me even most made after also did many before must through back years
where much your way well down should because each just those people mr how too little state good very make world still own see men work long
get here between both life being under never day same another know while last might us great old year off come since against go came right
used take three""".split()
STEMS = """act add age aim air answer arm art ask back base bear book box break bring build burn buy call care carry case cause change charge
check child choose city class clear close cold colour come common cost count cover cross cut date deal deep draw drive east eat edge end
enter even example face fact fall farm fast father field fight file fill find fine fire fish fit floor flow fly follow food form free
friend front full game garden gather give glass gold govern green ground group grow hand hard head hear heart heat help high hold home
hope horse hot hour house human idea image interest island join keep key kind king land language large late laugh law lay lead learn
leave letter level lie light line list listen live load lock look lose love machine main mark market mean measure meet memory mile mind
minute model money month moon morning mother mountain move music name nation nature need new night north note notice number object ocean
offer office open order page paint paper parent part pass pattern pay person picture piece place plan plant play point poor port power
present press price print problem produce product proper prove pull push question race rain range reach read reason receive record red
rest result rich ride ring rise river road rock room round rule run sail scale school science sea search season seat section seed sell
send sense sentence serve set shape ship short show side sign simple sing sister size sky sleep small snow soft sound source south space
speak spell stand star start stay step stone stop store story street strong study summer sun surface system table talk teach team test
thing think tie tool top touch town track trade train travel tree trip trouble true turn unit use valley value view village visit voice
walk wall war watch water wave wear weather week weight west wheel white wide wild win wind window winter wish wonder wood word work
write yard young""".split()
BEFORE = ["", "", "", "re", "un", "over", "under", "out", "fore", "inter", "non", "sub"]
AFTER = ["", "s", "ed", "ing", "er", "ers", "less", "ness", "ful", "ly", "able", "ment", "ship", "ward", "ation"]
PLACES = [a + b for a in "Ash Bar Cald Dun Eld Fair Glen Hart Kirk Lang Mar Nor Oak Pen Rad Stan Thorn Wex".split()
          for b in "ton ford ham by well wick stead bridge mouth field more dale ley worth combe".split()]  # fmt: skip
ODD = ["don't", "it's", "we'll", "café", "naïve", "Zürich", "São Paulo", "🙂", "“quoted”", "–", "€40", "$1,200.50", "3.14159", "1987", "a/b",
       "e.g.", "C:\\temp", "user@example.com", "**bold**", "`code`", "\"inner\"", "(see above)"]  # fmt: skip

CHINESE_WORDS = """我们 可以 这个 一个 没有 他们 自己 什么 如果 因为 所以 但是 已经 时候 问题 知道 现在 就是 这样 中国 发展 工作 进行 需要 使用
公司 数据 系统 时间 学习 技术 通过 模型 用户 信息 方法 语言 世界 社会 经济 政府 国家 人民 市场 企业 管理 服务 产品 研究 分析 提供 支持 教育 文化
历史 生活 城市 环境 能力 重要 主要 不同 可能 应该 开始 其中 以及 或者 并且 为了 关于 对于 根据 情况 结果 过程 影响 关系 方面 部分 内容 功能 设计
北京 上海 今天 明天 先生 老师 学生 孩子 朋友 电话 电脑 手机 网络 软件 程序 代码 文件 图片 训练 回答 请问 谢谢 的 了 是 在 和 有 不 也 都 就""".split()
CHINESE_LETTERS = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动"
    "面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头"
    "文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别"
    "打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权"
    "思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔阳秋鱼龙雪楼茶菜窗灯纸针船桥塔湖岛沙泥草叶花果梨桃"
)


def zipf(dice: random.Random, words: list[str], count: int) -> list[str]:
    """`count` words, the rank-th as often as 1 / (rank + 2.7): as words of a language fall."""
    weights = itertools.accumulate(1 / (rank + 2.7) for rank in range(1, len(words) + 1))
    return dice.choices(words, cum_weights=list(weights), k=count)


def english(dice: random.Random) -> list[str]:
    # Plain words first, as they are the frequent ones, then what is put together of three parts.
    plain = [stem + after for stem in STEMS for after in AFTER[:6]]
    made = [before + stem + after for stem in STEMS for before in BEFORE for after in AFTER]
    dice.shuffle(plain)
    dice.shuffle(made)
    tail = list(dict.fromkeys(plain + made))[:24_000]
    # Names stand among the words: pieces with a capital in them are other tokens.
    for index in range(40, len(tail), 40):
        tail[index] = PLACES[index // 40 % len(PLACES)]
    stream = zipf(dice, COMMON + tail, 2_000_000)
    sentences, at = [], 0
    while at < len(stream) - 24:
        take = dice.randrange(5, 24)
        words = stream[at : at + take]
        at += take
        if take > 11:
            words[take // 2] += ","
        if dice.random() < 0.12:
            words.insert(2, dice.choice(ODD))
        if dice.random() < 0.06:
            words.insert(3, str(dice.randrange(100_000)))
        text = " ".join(words)
        sentences.append(text[0].upper() + text[1:] + dice.choice("....?!"))
    return sentences


def chinese(dice: random.Random) -> list[str]:
    pairs = list(dict.fromkeys(a + b for a, b in zip(zipf(dice, list(CHINESE_LETTERS), 40_000), zipf(dice, list(CHINESE_LETTERS), 40_000))))
    stream = zipf(dice, CHINESE_WORDS + pairs, 1_200_000)
    sentences, at = [], 0
    while at < len(stream) - 30:
        take = dice.randrange(6, 26)
        words = stream[at : at + take]
        at += take
        words[take // 2] += "，"
        if dice.random() < 0.1:
            words.insert(1, str(dice.randrange(3_000)) + dice.choice(["年", "%", " GB", "个"]))
        if dice.random() < 0.05:
            words.insert(2, dice.choice(["API", "Python", "GPT", "《红楼梦》", "……"]))
        sentences.append("".join(words) + dice.choice("。。。！？"))
    return sentences


def code(dice: random.Random) -> list[str]:
    """Pieces of several languages with names of two or three words; each piece ends in a line break."""
    shapes = [
        "def {a}({b}: int, {c}=None):\n    if not {c}:\n        return {b} * {n}\n    for {d} in range({m}):\n        {c}.append({d} - {n})\n    return {c}\n",
        "class {A}({B}):\n    def __init__(self, {b}, {c}):\n        super().__init__()\n        self.{b} = {b}\n        self._{c} = {c} or []\n",
        "const {x} = async ({y}, {z}) => {{\n  const {d} = await fetch(`/api/{b}/${{{y}.id}}`);\n  return {d}.map(({c}) => ({{ ...{c}, {z}: {n} }}));\n}};\n",
        "fn {a}({b}: &[u{w}], {c}: usize) -> Option<{A}> {{\n    let {d} = {b}.iter().skip({c}).take({n}).copied().sum::<u{w}>();\n    ({d} > 0x{m:x}).then(|| {A} {{ {d}, ..{A}::default() }})\n}}\n",
        "    # {s}\n    {b}, {c} = self.{a}({d}[{n}:{m}]), \"{e}\"\n    assert {b} != {c}, f\"{{{b}}} {e} {{{c}!r}}\"\n",
        "SELECT {a}.{b}, COUNT(*) AS {c}\nFROM {d} AS {a}\nWHERE {a}.{b} >= {n} AND {e} IN ('{x}', '{y}')\nGROUP BY 1 ORDER BY {c} DESC LIMIT {m};\n",
        "{{\"{b}\": {n}, \"{c}\": [\"{x}\", \"{y}\", null], \"{d}\": {{\"{e}\": {m}.{n}, \"{a}\": true}}}}\n",
        "/* {s} */\nstatic int {a}(const char *{b}, size_t {c})\n{{\n\tfor (size_t i = 0; i < {c}; i++)\n\t\tif ({b}[i] == '\\n' || {b}[i] > {m})\n\t\t\treturn -{n};\n\treturn 0;\n}}\n",
    ]
    words = zipf(dice, [stem + after for after in ["", "s", "er", "ed"] for stem in STEMS], 400_000)
    pieces = []
    for at in range(0, len(words) - 20, 20):
        snake = ["_".join(words[at + 2 * i : at + 2 * i + 1 + (i + at // 20) % 3]) for i in range(5)]
        camel = [words[at + i] + words[at + i + 5].title() for i in range(3)]
        shape = dice.choice(shapes)
        names = dict(zip("abcde", snake)) | dict(zip("xyz", camel))
        pieces.append(
            shape.format(**names, A=camel[0].title() + camel[1].title(), B=camel[2].title(), s=" ".join(words[at : at + 7]),
                         n=dice.randrange(100), m=dice.randrange(1_000), w=dice.choice([8, 16, 32, 64]))
        )  # fmt: skip
    return pieces


class Prose:
    """Texts cut out of long streams of sentences: joining is cheap, and hardly any text comes twice."""

    MAKERS: dict[str, tuple[Callable[[random.Random], list[str]], str]] = {"english": (english, " "), "code": (code, ""), "chinese": (chinese, "")}

    def __init__(self, dice: random.Random, seed: int, kinds: list[str]) -> None:
        self.dice = dice
        # Each kind draws from a source of its own, so that it is the same whatever stands beside it.
        self.streams = {kind: (self.MAKERS[kind][0](random.Random(f"{kind} {seed}")), self.MAKERS[kind][1]) for kind in kinds}

    def text(self, kind: str, least: int, most: int) -> str:
        stream, between = self.streams[kind]
        take = self.dice.randrange(least, most)
        at = self.dice.randrange(len(stream) - take)
        text = between.join(stream[at : at + take])
        return f"```\n{text}```" if kind == "code" else text


def text_chats(seed: int, kinds: dict[str, float]) -> Iterator[str]:
    """Chats of about 1.6 kB: most with one of 25 system prompts, some of several turns."""
    dice = random.Random(seed)
    prose = Prose(dice, seed, [*kinds, *({"english"} - kinds.keys())])
    names, weights = list(kinds), list(itertools.accumulate(kinds.values()))
    pure = names[0] if len(names) == 1 else None
    systems = [prose.text(pure or "english", 2, 8) for _ in range(25)]
    while True:
        kind = dice.choices(names, cum_weights=weights)[0]
        messages: list[Chat] = []
        if not pure and dice.random() < 0.8:
            messages.append({"role": "system", "content": dice.choice(systems)})
        for _ in range(1 if dice.random() < 0.7 else dice.randrange(2, 4)):
            question = prose.text("english" if kind == "code" and not pure else kind, 1, 5)
            answer = prose.text(kind, 2, 8)
            if kind == "english" and dice.random() < 0.2:
                answer += "\n\n" + "\n".join(f"- {prose.text(kind, 1, 2)}" for _ in range(3))
            messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        yield json.dumps({"messages": messages}, ensure_ascii=dice.random() < 1 / 3)


def small_chats(seed: int) -> Iterator[str]:
    dice = random.Random(seed)
    prose = Prose(dice, seed, ["english"])
    while True:
        turn = {"role": "user", "content": prose.text("english", 1, 2)}, {"role": "assistant", "content": prose.text("english", 1, 3)}
        yield json.dumps({"messages": turn})


# --- images


class Pictures:
    """JPEGs cut out of a few large pictures at random places: a picture a cut costs little, and no two are the same."""

    SIDE = 2048

    def __init__(self, seed: int) -> None:
        import numpy as np

        self.dice = np.random.default_rng(seed)
        self.sheets = [self.sheet() for _ in range(6)]

    def sheet(self) -> Any:
        """Something with the make-up of a photograph: smooth areas, noise at every scale, edges and lettering."""
        import numpy as np
        from PIL import Image, ImageDraw

        side = self.SIDE
        pixels = np.zeros((side, side, 3), np.float32)
        for cells in (4, 16, 64, 256, 1024, 2048):
            noise = self.dice.normal(0, 1, (cells, cells, 3)).astype(np.float32)
            # One channel after the other: Pillow stretches numbers with a fraction in one channel only.
            stretched = [Image.fromarray(noise[..., c]).resize((side, side), Image.Resampling.BICUBIC) for c in range(3)]
            pixels += np.stack([np.asarray(channel) for channel in stretched], axis=-1) * (33 / cells**0.33)
        picture = Image.fromarray(np.clip(pixels + 128, 0, 255).astype(np.uint8))
        draw = ImageDraw.Draw(picture)
        for _ in range(260):
            x, y = (int(value) for value in self.dice.integers(0, side, 2))
            width, height = (int(value) for value in self.dice.integers(10, 180, 2))
            colour = tuple(int(value) for value in self.dice.integers(0, 256, 3))
            shape = draw.rectangle if self.dice.random() < 0.5 else draw.ellipse
            shape([x, y, x + width, y + height], outline=colour, width=int(self.dice.integers(1, 12)))
            draw.text((x + 4, y + 4), "".join(chr(int(letter)) for letter in self.dice.integers(65, 91, 12)), fill=colour)
        return picture

    def cut(self, width: int, height: int) -> Any:
        sheet = self.sheets[int(self.dice.integers(len(self.sheets)))]
        x, y = int(self.dice.integers(self.SIDE - width)), int(self.dice.integers(self.SIDE - height))
        return sheet.crop((x, y, x + width, y + height))

    def jpeg(self, width: int = 400, height: int = 500, quality: int = 50, grey: bool = False) -> bytes:
        picture = self.cut(width, height)
        out = io.BytesIO()
        (picture.convert("L") if grey else picture).save(out, "JPEG", quality=quality)
        return out.getvalue()


def words(text: str) -> Chat:
    return {"type": "text", "text": text}


def shown(jpeg: bytes) -> Chat:
    return {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()}}


SYSTEM = "Answer the question about the book whose cover is shown, in as few words as will do, as they stand on the cover. "


def vision_chats(seed: int) -> Iterator[str]:
    """Shaped as OpenAI's cookbook on vision: five or six images in every line, and a question on one or two, five questions each."""
    pictures = Pictures(seed)
    system = {"role": "system", "content": [words(SYSTEM * 4)]}
    shots: list[Chat] = []
    for number in range(1, 7):
        shots.append({"role": "user", "content": [words(f"**Example {number}:**\n\nWho wrote this book?"), shown(pictures.jpeg())]})
        shots.append({"role": "assistant", "content": [words(f"**Conclusion:** Author {number}")]})
    for index in itertools.count():
        if index % 5 == 0:
            asked = [shown(pictures.jpeg()) for _ in range(2 if pictures.dice.random() < 0.4 else 1)]
        question = [words(f"Question [{index}]: What is the title of this book?"), *asked[: 1 + index % 2]]
        messages = [system, *shots[: 12 if index % 3 else 10], {"role": "user", "content": question}]
        messages.append({"role": "assistant", "content": [words(f"The title is number {index // 5}, part {index % 5}.")]})
        yield json.dumps({"messages": messages})


def distinct_chats(seed: int) -> Iterator[str]:
    pictures = Pictures(seed)
    sizes = [(400, 500), (400, 500), (640, 480), (800, 600), (1024, 768), (1600, 1200)]
    for index in itertools.count():
        asked = [shown(pictures.jpeg(*sizes[int(pictures.dice.integers(len(sizes)))])) for _ in range(index % 4 + 2)]
        messages: list[Chat] = [{"role": "user", "content": [words(f"What do pictures {index} show?"), *asked]}]
        messages.append({"role": "assistant", "content": f"They show {len(asked)} scenes of the {index}th kind."})
        yield json.dumps({"messages": messages})


def books(path: Path, count: int, seed: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pictures = Pictures(seed)
    rows = []
    for index in range(count):
        title, author, genre = f"The Garden of {PLACES[index % len(PLACES)]}, vol. {index}", f"Ana {PLACES[index * 7 % len(PLACES)]}", "History"
        questions = ["Who wrote this book?", "What is the title of this book?", "What type of book is this?", "Is this book related to Travel?",
                     "Is this book related to History?"]  # fmt: skip
        take = 4 if index % 5 == 4 else 5
        jpeg = pictures.jpeg(quality=90, grey=pictures.dice.random() < 0.06)
        rows.append({"image": {"bytes": jpeg, "path": None}, "image_id": f"{index:010d}", "questions": questions[:take],
                     "answers": [author, title, genre, "No", "Yes"][:take], "title": title, "authorName": author, "genre": genre,
                     "set_name": 1})  # fmt: skip
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([("image", image), ("image_id", pa.string()), ("questions", pa.list_(pa.string())), ("answers", pa.list_(pa.string())),
                        ("title", pa.string()), ("authorName", pa.string()), ("genre", pa.string()), ("set_name", pa.int64())])  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema), path, row_group_size=500)
    write(path.with_name(path.name + ".jsonl"), (json.dumps({"messages": [{"role": "user", "content": [shown(row["image"]["bytes"])]}]}) for row in rows), None)


# --- files


def write(path: Path, lines: Iterator[str], size: int | None) -> None:
    """Writes lines until there are `size` bytes; a file that was not ended is not there."""
    unfinished = path.with_name(path.name + ".part")
    done = 0
    with open(unfinished, "wb", buffering=1 << 20) as file:
        for line in lines:
            done += file.write(line.encode() + b"\n")
            if size is not None and done >= size:
                break
    os.replace(unfinished, path)


def make(kind: str, path: Path, size: int | None = None, seed: int = 1) -> None:
    size = SIZES[kind] if size is None else size
    if kind == "text":
        write(path, text_chats(seed, {"english": 0.8, "code": 0.12, "chinese": 0.08}), size)
    elif kind in ("english", "code", "chinese"):
        write(path, text_chats(seed, {kind: 1.0}), size)
    elif kind == "small":
        write(path, small_chats(seed), size)
    elif kind == "hook":
        write(path, itertools.islice(text_chats(seed, {"english": 1.0}), 12), None)
    elif kind == "vision":
        write(path, vision_chats(seed), size)
    elif kind == "distinct":
        write(path, distinct_chats(seed), size)
    else:
        books(path, size, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=SIZES)
    parser.add_argument("file", type=Path)
    parser.add_argument("--bytes", type=int)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    make(arguments.kind, arguments.file, arguments.bytes, arguments.seed)


if __name__ == "__main__":
    main()
