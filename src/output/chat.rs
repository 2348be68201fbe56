//! One example as a chat in a terminal: who says what, wrapped to the width, images and calls in short.

use std::borrow::Cow;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Color, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::summary::Paint;
use super::transcript::{Block, Cut, Reader, Transcript, Turn, Voice};
use crate::diagnostic::sanitised;
use crate::settings::Settings;

/// How a chat is drawn.
#[derive(Clone, Copy, Debug)]
pub struct ChatStyle {
    /// Whether to colour.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Whether long texts and lists are shown to their ends.
    pub all: bool,
}

/// Characters of a text, and items of a list, that are shown unless all are asked for.
const CUT: Cut = Cut { text: 2_000, items: 100 };

/// Draws `line`, an example of any format, whole or broken. Tokens are counted when `settings` ask for that. Nothing in
/// the line can steer the terminal.
pub fn chat(line: &[u8], settings: &Settings, style: &ChatStyle) -> String {
    let cut = if style.all { Cut { text: usize::MAX, items: usize::MAX } } else { CUT };
    draw(&Reader::new(settings, cut).read(line), style)
}

fn draw(transcript: &Transcript, style: &ChatStyle) -> String {
    let paint = Paint(style.color);
    let mut out = String::new();
    for line in wrapped(&transcript.facts.join(" · "), style.width) {
        let _ = writeln!(out, "{}", paint.dim(line));
    }
    for (name, about) in &transcript.tools {
        let text = if about.is_empty() { name.clone() } else { format!("{name}: {about}") };
        for (index, line) in wrapped(&text, style.width.saturating_sub(6)).iter().enumerate() {
            let _ = writeln!(out, "{}", paint.dim(format_args!("{:<6}{line}", if index == 0 { "tool" } else { "" })));
        }
    }
    for turn in &transcript.turns {
        out.push('\n');
        if let Some(section) = turn.section {
            let rule = "─".repeat(style.width.min(60).saturating_sub(section.width() + 4));
            let _ = writeln!(out, "{}\n", paint.dim(format_args!("── {section} {rule}")));
        }
        draw_turn(&mut out, turn, style, paint);
    }
    out
}

fn draw_turn(out: &mut String, turn: &Turn, style: &ChatStyle, paint: Paint) {
    let color = match turn.voice {
        Voice::System => AnsiColor::Magenta,
        Voice::User => AnsiColor::Green,
        Voice::Assistant => AnsiColor::Blue,
        Voice::Tool => AnsiColor::Yellow,
        Voice::Other => AnsiColor::Red,
    };
    let speaker = paint.style(Style::new().bold().fg_color(Some(Color::Ansi(color))), &turn.speaker);
    let marks = if turn.marks.is_empty() { String::new() } else { paint.dim(format_args!("  {}", turn.marks.join(" · "))) };
    let _ = writeln!(out, "{speaker}{marks}");
    for block in &turn.blocks {
        match block {
            Block::Text { text, more } => body(out, text, *more, 2, style, paint),
            Block::Image { text, broken, .. } => {
                let color = if *broken { AnsiColor::Red } else { AnsiColor::Cyan };
                for line in wrapped(&format!("[{text}]"), style.width.saturating_sub(2)) {
                    let _ = writeln!(out, "  {}", paint.style(Style::new().fg_color(Some(Color::Ansi(color))), line));
                }
            }
            Block::Data { label, text, more } => {
                let inner = if label.is_empty() { 2 } else { 4 };
                if !label.is_empty() {
                    let _ = writeln!(out, "  {}", paint.style(Style::new().italic(), label));
                }
                body(out, text, *more, inner, style, paint);
            }
        }
    }
}

fn body(out: &mut String, text: &str, more: u64, indent: usize, style: &ChatStyle, paint: Paint) {
    if text.is_empty() && more == 0 {
        return;
    }
    for line in wrapped(text, style.width.saturating_sub(indent)) {
        let _ = if line.is_empty() { writeln!(out) } else { writeln!(out, "{:indent$}{line}", "") };
    }
    if more > 0 {
        let more = crate::diagnostic::count(more, "more character");
        let _ = writeln!(out, "{:indent$}{}", "", paint.dim(format_args!("… {more}")));
    }
}

/// The lines of `text`, broken at spaces where they are wider than `width`, and within words that are. What a line is
/// indented by is kept on the lines it goes on in.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(16);
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let indent: String = line.chars().take_while(|&c| c == ' ').take(width / 2).collect();
        let (mut current, mut used) = (String::new(), 0);
        for word in line.split_inclusive(' ') {
            let wide = word.trim_end_matches(' ').width();
            if used + wide > width && used > indent.len() {
                lines.push(std::mem::replace(&mut current, indent.clone()));
                used = indent.len();
            }
            for c in word.chars() {
                let wide = c.width().unwrap_or_default();
                if used + wide > width && c != ' ' {
                    lines.push(std::mem::replace(&mut current, indent.clone()));
                    used = indent.len();
                }
                current.push(c);
                used += wide;
            }
        }
        lines.push(current);
    }
    for line in &mut lines {
        line.truncate(line.trim_end_matches(' ').len());
        // What is harmless within a line may be none at the start of one.
        if let Cow::Owned(safe) = sanitised(line) {
            *line = safe;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::is_unsafe;
    use crate::rules;
    use crate::target::{Date, Target};

    const STYLE: ChatStyle = ChatStyle { color: false, width: 60, all: false };

    fn shown(line: &str, style: &ChatStyle) -> String {
        let settings = Settings::new(Target::builtin("openai").expect("built in"), &rules::all(), Date::from_unix(1_795_400_000));
        chat(line.as_bytes(), &settings, style)
    }

    #[test]
    fn a_chat_with_tools_is_readable() {
        let line = r#"{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How warm is it in Lima, and how warm will it be there tomorrow?"}, {"role": "assistant", "weight": 0, "tool_calls": [{"id": "call_0", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Lima\"}"}}]}, {"role": "tool", "tool_call_id": "call_0", "content": "{\"now\":18,\"tomorrow\":19}"}, {"role": "assistant", "content": "18 °C now,\n19 °C tomorrow."}], "tools": [{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "unit": {"type": "string"}}, "required": ["city"]}}}], "parallel_tool_calls": false}"#;
        let expected = "\
chat · 5 messages · 112 tokens (41 tool definitions) · 10
trained on · parallel_tool_calls false
tool  get_weather(city, unit?): Weather of a city

system  7 tokens
  Be brief.

user  20 tokens
  How warm is it in Lima, and how warm will it be there
  tomorrow?

assistant  weight 0: not trained on · 13 tokens
  calls get_weather  call_0
    {\"city\": \"Lima\"}

tool  call_0 · 14 tokens
  {\"now\": 18, \"tomorrow\": 19}

assistant  14 tokens
  18 °C now,
  19 °C tomorrow.
";
        assert_eq!(shown(line, &STYLE), expected);
    }

    #[test]
    fn tokens_add_up() {
        let line = r#"{"messages": [{"role": "user", "name": "Ann", "content": "Hello there"}, {"role": "assistant", "content": "Hi"}]}"#;
        let shown = shown(line, &STYLE);
        let figures: Vec<u64> = shown
            .split(" · ")
            .flat_map(|fact| fact.lines())
            .filter_map(|fact| fact.strip_suffix(" tokens")?.rsplit(' ').next()?.parse().ok())
            .collect();
        // Three tokens stand behind every example.
        assert_eq!(figures.first().copied(), Some(figures.iter().skip(1).sum::<u64>() + 3), "{shown}");
    }

    #[test]
    fn both_answers_of_a_preference_are_told_apart() {
        let line = r#"{"input": {"messages": [{"role": "user", "content": "Hi"}]}, "preferred_output": [{"role": "assistant", "content": "Welcome"}], "non_preferred_output": [{"role": "assistant", "content": "You again"}]}"#;
        let shown = shown(line, &STYLE);
        let places = ["Hi", "── preferred ──", "Welcome", "── not preferred ──", "You again"].map(|text| shown.find(text).expect(text));
        assert!(places.is_sorted(), "{shown}");
    }

    #[test]
    fn whatever_stands_in_a_line_is_shown_and_nothing_steers_the_terminal() {
        for line in [
            "",
            "\u{1b}[2J not JSON \u{202e}",
            "[1, 2]",
            "{}",
            r#"{"messages": 5}"#,
            r#"{"messages": ["x", null, {}, {"role": 5, "content": {"a": "\u001b[2J"}}, {"role": "us\u001ber", "content": ["x", {"type": "audio"}]}]}"#,
            r#"{"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": 5}}, 7], "function_call": {"name": "f"}, "own\u009bkey": "\u202e"}]}"#,
            r#"{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA\u001b", "detail": "\u001b"}}]}], "tools": [{"function": {"name": "\u001b", "parameters": {"properties": {"\u001b": 1}}}}]}"#,
            r#"{"prompt": "a\u0000b", "completion": ["\u2066"]}"#,
            r#"{"text": "a\r\nb\tc\u001b"}"#,
            r#"{"conversations": [{"from": "human", "value": "\u001b"}]}"#,
        ] {
            let shown = shown(line, &STYLE);
            assert!(!shown.chars().any(|c| c != '\n' && is_unsafe(c)), "{line}: {shown:?}");
            assert!(!shown.trim().is_empty(), "{line}");
        }
        assert!(shown(r#"{"messages": [{"role": "user", "content": "a\u001b[2Jb"}]}"#, &STYLE).contains("a\\u{1b}[2Jb"));
        assert!(shown(r#"{"messages": [7]}"#, &STYLE).contains('7'));
        assert!(shown(r#"{"conversations": [{"from": "human", "value": "words"}]}"#, &STYLE).contains("words"));
    }

    #[test]
    fn long_texts_are_cut_unless_all_is_asked_for() {
        let line = format!(r#"{{"text": "{}end"}}"#, "word ".repeat(1_000));
        assert!(shown(&line, &STYLE).contains("… 3,003 more characters"));
        assert!(shown(&line, &ChatStyle { all: true, ..STYLE }).trim_end().ends_with("end"));
    }

    #[test]
    fn lines_keep_to_the_width() {
        for text in ["a".repeat(200), "ab cd ".repeat(50), "日本語".repeat(40), format!("    {}", "word ".repeat(40))] {
            for width in [16, 31, 60] {
                let lines = wrapped(&text, width);
                assert!(lines.iter().all(|line| line.trim_end().width() <= width), "{width}: {lines:?}");
                let all: String = lines.concat().split_whitespace().collect();
                assert_eq!(all, text.split_whitespace().collect::<String>());
            }
        }
    }
}
