//! The catalogue. A rule is a file with its data and its condition, a page beside it, and a row in [`REGISTRY`].

use std::fmt::Write as _;

use crate::context::{Context, Head, Image, Line};
use crate::diagnostic::{nearest, number};
use crate::edit::{Applicability, Fix};
use crate::format::{Example, Message};
use crate::json::{Member, Value};
use crate::rule::Rule;
use crate::schema::SchemaFault;
use crate::summary::{FileSummary, Summary};

#[cfg(test)]
mod laws;
#[cfg(test)]
mod pages;

mod file {
    pub(super) mod binary_file;
    pub(super) mod blank_line;
    pub(super) mod byte_order_mark;
    pub(super) mod compressed_file;
    pub(super) mod crlf_line_ending;
    pub(super) mod csv_file;
    pub(super) mod empty_file;
    pub(super) mod html_page;
    pub(super) mod invalid_extension;
    pub(super) mod invalid_utf8;
    pub(super) mod json_array;
    pub(super) mod lone_carriage_return;
    pub(super) mod missing_byte_order_mark;
    pub(super) mod missing_final_line_break;
    pub(super) mod nul_padding;
    pub(super) mod pointer_file;
    pub(super) mod pretty_printed_json;
    pub(super) mod python_repr;
    pub(super) mod too_long_line;
    pub(super) mod utf_16_encoding;
}
mod json {
    pub(super) mod control_character;
    pub(super) mod duplicate_key;
    pub(super) mod incomplete_json;
    pub(super) mod invalid_escape;
    pub(super) mod invalid_json;
    pub(super) mod invalid_number;
    pub(super) mod json_comment;
    pub(super) mod lone_surrogate;
    pub(super) mod multiple_values;
    pub(super) mod non_finite_number;
    pub(super) mod number_out_of_range;
    pub(super) mod python_literal;
    pub(super) mod single_quotes;
    pub(super) mod stray_byte_order_mark;
    pub(super) mod too_deep_nesting;
    pub(super) mod trailing_comma;
    pub(super) mod unquoted_key;
}
mod shape {
    pub(super) mod empty_messages;
    pub(super) mod foreign_format;
    pub(super) mod format_method_mismatch;
    pub(super) mod invalid_messages;
    pub(super) mod invalid_sample_weight;
    pub(super) mod invalid_text;
    pub(super) mod misplaced_weight;
    pub(super) mod missing_messages;
    pub(super) mod mixed_formats;
    pub(super) mod not_an_object;
    pub(super) mod partial_sample_weight;
    pub(super) mod unknown_format;
    pub(super) mod unknown_key;
    pub(super) mod unsupported_format;
}
mod messages {
    pub(super) mod answer_in_prompt;
    pub(super) mod anthropic_part;
    pub(super) mod consecutive_assistant_messages;
    pub(super) mod control_character_in_text;
    pub(super) mod deprecated_function;
    pub(super) mod empty_content;
    pub(super) mod empty_content_parts;
    pub(super) mod invalid_content;
    pub(super) mod invalid_message;
    pub(super) mod invalid_name;
    pub(super) mod invalid_part;
    pub(super) mod invalid_weight;
    pub(super) mod late_system_message;
    pub(super) mod missing_assistant;
    pub(super) mod missing_assistant_content;
    pub(super) mod missing_content;
    pub(super) mod missing_final_answer;
    pub(super) mod missing_part_text;
    pub(super) mod missing_role;
    pub(super) mod missing_user;
    pub(super) mod mixed_content_kinds;
    pub(super) mod mixed_refusal;
    pub(super) mod multiple_system_messages;
    pub(super) mod non_alternating_roles;
    pub(super) mod null_content;
    pub(super) mod replacement_character;
    pub(super) mod responses_api_part;
    pub(super) mod special_token;
    pub(super) mod surrounding_whitespace;
    pub(super) mod unknown_message_key;
    pub(super) mod unknown_part_type;
    pub(super) mod unknown_role;
    pub(super) mod unlisted_role;
    pub(super) mod unsupported_part;
    pub(super) mod untrained_example;
    pub(super) mod weight_outside_assistant;
    pub(super) mod weighted_image;
}
mod tools {
    pub(super) mod contradictory_parallel_tool_calls;
    pub(super) mod duplicate_tool;
    pub(super) mod duplicate_tool_call_id;
    pub(super) mod incomplete_strict_schema;
    pub(super) mod invalid_arguments;
    pub(super) mod invalid_parallel_tool_calls;
    pub(super) mod invalid_tool_call;
    pub(super) mod invalid_tool_name;
    pub(super) mod invalid_tool_parameters;
    pub(super) mod invalid_tools;
    pub(super) mod mismatched_arguments;
    pub(super) mod missing_tool_call_id;
    pub(super) mod missing_tool_name;
    pub(super) mod missing_tool_response;
    pub(super) mod mixed_tools_and_functions;
    pub(super) mod non_string_arguments;
    pub(super) mod orphan_tool_response;
    pub(super) mod too_many_functions;
    pub(super) mod too_many_tools;
    pub(super) mod tool_content_parts;
    pub(super) mod undeclared_tool;
}
mod images {
    pub(super) mod animated_image;
    pub(super) mod costly_detail;
    pub(super) mod damaged_image;
    pub(super) mod downscaled_image;
    pub(super) mod empty_image;
    pub(super) mod invalid_base64;
    pub(super) mod invalid_detail;
    pub(super) mod invalid_image_part;
    pub(super) mod malformed_data_url;
    pub(super) mod media_type_mismatch;
    pub(super) mod misplaced_image;
    pub(super) mod rotated_image;
    pub(super) mod tiny_image;
    pub(super) mod too_large_image;
    pub(super) mod too_many_images;
    pub(super) mod too_many_pixels;
    pub(super) mod trailing_image_data;
    pub(super) mod transparent_image;
    pub(super) mod truncated_image;
    pub(super) mod unanswered_url;
    pub(super) mod undecodable_image;
    pub(super) mod unpadded_base64;
    pub(super) mod unreachable_url;
    pub(super) mod unregistered_media_type;
    pub(super) mod unscreened_images;
    pub(super) mod unsupported_color_mode;
    pub(super) mod unsupported_image_coding;
    pub(super) mod unsupported_image_format;
    pub(super) mod unsupported_images;
    pub(super) mod unsupported_url_scheme;
}
mod limits {
    pub(super) mod closed_target;
    pub(super) mod closing_target;
    pub(super) mod costly_tools;
    pub(super) mod few_examples;
    pub(super) mod invalid_epochs;
    pub(super) mod retired_model;
    pub(super) mod too_few_examples;
    pub(super) mod too_large_job;
    pub(super) mod too_large_upload;
    pub(super) mod too_many_examples;
    pub(super) mod too_many_image_examples;
    pub(super) mod too_many_job_tokens;
    pub(super) mod too_many_messages;
    pub(super) mod too_many_skipped_examples;
    pub(super) mod too_many_tokens;
    pub(super) mod unknown_model;
    pub(super) mod untrainable_format;
}
mod dataset {
    pub(super) mod conflicting_answers;
    pub(super) mod dominant_answer;
    pub(super) mod duplicate_example;
    pub(super) mod inconsistent_system_message;
    pub(super) mod repeated_image;
    pub(super) mod train_validation_overlap;
    pub(super) mod trained_few_shot;
}
mod preference {
    pub(super) mod equal_outputs;
    pub(super) mod invalid_input;
    pub(super) mod invalid_output;
    pub(super) mod missing_input;
    pub(super) mod missing_output;
    pub(super) mod multi_turn_prompt;
    pub(super) mod multiple_outputs;
    pub(super) mod output_role;
    pub(super) mod weight_in_output;
}
mod reinforcement {
    pub(super) mod inconsistent_grader_key;
    pub(super) mod misplaced_response_format;
}
mod completion {
    pub(super) mod completion_parts;
    pub(super) mod empty_completion;
    pub(super) mod identical_completions;
    pub(super) mod identical_prompts;
    pub(super) mod missing_completion;
    pub(super) mod missing_leading_space;
    pub(super) mod missing_prompt;
    pub(super) mod missing_separator;
    pub(super) mod missing_stop_sequence;
    pub(super) mod mostly_upper_case;
    pub(super) mod non_string_completion;
    pub(super) mod shared_prefix;
}

/// What a check looks at: the variant is the level, the driver does the walking.
#[derive(Clone, Copy)]
pub enum Check {
    /// The start of a file, before its lines.
    Head(fn(&Head<'_>, &mut Context<'_>)),
    /// One line, before it has a meaning.
    Line(fn(&Line<'_>, &mut Context<'_>)),
    /// One failing keyword of a schema that names this rule.
    Schema(fn(&SchemaFault<'_>, &mut Context<'_>)),
    /// One example.
    Example(fn(&Example<'_>, &mut Context<'_>)),
    /// One message of an example.
    Message(fn(&Message<'_>, &Example<'_>, &mut Context<'_>)),
    /// One image of an example.
    Image(fn(&Image<'_>, &mut Context<'_>)),
    /// The sums of a file, after its lines.
    File(fn(&FileSummary, &mut Context<'_>)),
    /// The sums of the run.
    Run(fn(&Summary, &mut Context<'_>)),
}

macro_rules! row {
    ($level:ident $family:ident::$rule:ident) => {
        (&$family::$rule::RULE, Check::$level($family::$rule::check))
    };
}

/// All rules, by code.
#[rustfmt::skip]
pub static REGISTRY: &[(&Rule, Check)] = &[
    row!(Schema completion::missing_prompt),
    row!(Schema completion::missing_completion),
    row!(Schema completion::non_string_completion),
    row!(Example completion::empty_completion),
    row!(File completion::missing_separator),
    row!(File completion::missing_stop_sequence),
    row!(File completion::missing_leading_space),
    row!(File completion::shared_prefix),
    row!(File completion::mostly_upper_case),
    row!(File completion::identical_prompts),
    row!(File completion::identical_completions),
    row!(Example completion::completion_parts),
    row!(File dataset::duplicate_example),
    row!(File dataset::conflicting_answers),
    row!(Run dataset::train_validation_overlap),
    row!(File dataset::trained_few_shot),
    row!(File dataset::repeated_image),
    row!(File dataset::inconsistent_system_message),
    row!(File dataset::dominant_answer),
    row!(File file::empty_file),
    row!(Head file::invalid_extension),
    row!(Head file::json_array),
    row!(Head file::pretty_printed_json),
    row!(Head file::python_repr),
    row!(Head file::utf_16_encoding),
    row!(Head file::pointer_file),
    row!(Head file::html_page),
    row!(Head file::binary_file),
    row!(Head file::csv_file),
    row!(Head file::byte_order_mark),
    row!(Head file::missing_byte_order_mark),
    row!(File file::blank_line),
    row!(File file::crlf_line_ending),
    row!(Line file::invalid_utf8),
    row!(Line file::too_long_line),
    row!(Line file::nul_padding),
    row!(Head file::compressed_file),
    row!(Head file::lone_carriage_return),
    row!(Line file::missing_final_line_break),
    row!(Example images::misplaced_image),
    row!(Example images::unsupported_images),
    row!(Example images::too_many_images),
    row!(Schema images::invalid_image_part),
    row!(Image images::unsupported_url_scheme),
    row!(Image images::unreachable_url),
    row!(Image images::malformed_data_url),
    row!(Image images::invalid_base64),
    row!(Image images::unpadded_base64),
    row!(Image images::media_type_mismatch),
    row!(Image images::unregistered_media_type),
    row!(Image images::unsupported_image_format),
    row!(Image images::unsupported_color_mode),
    row!(Image images::too_large_image),
    row!(Image images::truncated_image),
    row!(Image images::undecodable_image),
    row!(Image images::empty_image),
    row!(Image images::damaged_image),
    row!(Image images::too_many_pixels),
    row!(Image images::animated_image),
    row!(Image images::rotated_image),
    row!(Image images::tiny_image),
    row!(Image images::downscaled_image),
    row!(Example images::invalid_detail),
    row!(File images::costly_detail),
    row!(Image images::transparent_image),
    row!(Image images::trailing_image_data),
    row!(Image images::unsupported_image_coding),
    row!(File images::unscreened_images),
    row!(Image images::unanswered_url),
    row!(Line json::invalid_json),
    row!(Line json::incomplete_json),
    row!(Line json::multiple_values),
    row!(Line json::trailing_comma),
    row!(Line json::single_quotes),
    row!(Line json::unquoted_key),
    row!(Line json::json_comment),
    row!(Line json::non_finite_number),
    row!(Line json::python_literal),
    row!(Line json::invalid_number),
    row!(Line json::number_out_of_range),
    row!(Line json::control_character),
    row!(Line json::invalid_escape),
    row!(Line json::lone_surrogate),
    row!(Line json::too_deep_nesting),
    row!(Line json::duplicate_key),
    row!(Line json::stray_byte_order_mark),
    row!(File limits::too_few_examples),
    row!(File limits::few_examples),
    row!(File limits::too_many_examples),
    row!(File limits::too_many_image_examples),
    row!(File limits::too_large_upload),
    row!(File limits::too_large_job),
    row!(Example limits::too_many_tokens),
    row!(File limits::costly_tools),
    row!(File limits::too_many_skipped_examples),
    row!(File limits::too_many_job_tokens),
    row!(Run limits::retired_model),
    row!(Run limits::closed_target),
    row!(Run limits::unknown_model),
    row!(Head limits::untrainable_format),
    row!(Example limits::too_many_messages),
    row!(Run limits::closing_target),
    row!(Run limits::invalid_epochs),
    row!(Schema messages::invalid_message),
    row!(Schema messages::missing_role),
    row!(Message messages::unknown_role),
    row!(Message messages::unlisted_role),
    row!(Example messages::deprecated_function),
    row!(Message messages::unknown_message_key),
    row!(Schema messages::missing_content),
    row!(Schema messages::invalid_content),
    row!(Schema messages::null_content),
    row!(Schema messages::empty_content_parts),
    row!(Message messages::missing_assistant_content),
    row!(Message messages::empty_content),
    row!(File messages::surrounding_whitespace),
    row!(Message messages::mixed_refusal),
    row!(Example messages::missing_assistant),
    row!(Example messages::missing_final_answer),
    row!(Example messages::answer_in_prompt),
    row!(Example messages::late_system_message),
    row!(Example messages::multiple_system_messages),
    row!(Example messages::missing_user),
    row!(Example messages::consecutive_assistant_messages),
    row!(Message messages::invalid_weight),
    row!(Message messages::weight_outside_assistant),
    row!(Example messages::untrained_example),
    row!(Message messages::invalid_name),
    row!(Example messages::special_token),
    row!(Example messages::non_alternating_roles),
    row!(Example messages::mixed_content_kinds),
    row!(Example messages::control_character_in_text),
    row!(Example messages::replacement_character),
    row!(Schema messages::invalid_part),
    row!(Message messages::unknown_part_type),
    row!(Message messages::unsupported_part),
    row!(Message messages::responses_api_part),
    row!(Message messages::anthropic_part),
    row!(Schema messages::missing_part_text),
    row!(Message messages::weighted_image),
    row!(Schema preference::missing_input),
    row!(Schema preference::invalid_input),
    row!(Schema preference::missing_output),
    row!(Schema preference::invalid_output),
    row!(Example preference::weight_in_output),
    row!(Example preference::equal_outputs),
    row!(Example preference::multi_turn_prompt),
    row!(Example preference::output_role),
    row!(Example preference::multiple_outputs),
    row!(File reinforcement::inconsistent_grader_key),
    row!(Example reinforcement::misplaced_response_format),
    row!(Line shape::not_an_object),
    row!(Head shape::unknown_format),
    row!(Head shape::foreign_format),
    row!(Line shape::mixed_formats),
    row!(Head shape::format_method_mismatch),
    row!(Head shape::unsupported_format),
    row!(Schema shape::missing_messages),
    row!(Schema shape::invalid_messages),
    row!(Schema shape::empty_messages),
    row!(Example shape::unknown_key),
    row!(Example shape::misplaced_weight),
    row!(Example shape::invalid_sample_weight),
    row!(File shape::partial_sample_weight),
    row!(Schema shape::invalid_text),
    row!(Schema tools::invalid_tools),
    row!(Schema tools::missing_tool_name),
    row!(Example tools::invalid_tool_name),
    row!(Example tools::duplicate_tool),
    row!(Example tools::invalid_tool_parameters),
    row!(Example tools::incomplete_strict_schema),
    row!(Example tools::too_many_functions),
    row!(Example tools::mixed_tools_and_functions),
    row!(Schema tools::invalid_parallel_tool_calls),
    row!(Example tools::contradictory_parallel_tool_calls),
    row!(Schema tools::invalid_tool_call),
    row!(Schema tools::non_string_arguments),
    row!(Example tools::invalid_arguments),
    row!(Example tools::mismatched_arguments),
    row!(Example tools::undeclared_tool),
    row!(Example tools::duplicate_tool_call_id),
    row!(Example tools::missing_tool_response),
    row!(Example tools::orphan_tool_response),
    row!(Example tools::tool_content_parts),
    row!(Schema tools::missing_tool_call_id),
    row!(Example tools::too_many_tools),
];

/// The first few of `faults`, each with the end of its message: the last one says how many more there are. A line may hold
/// 200,000 of a kind.
fn few<T>(faults: impl IntoIterator<Item = T>) -> Vec<(T, String)> {
    const FEW: usize = 5;
    let mut faults = faults.into_iter().peekable();
    // Nearly always: on a clean line this is all that some rules do.
    if faults.peek().is_none() {
        return Vec::new();
    }
    let mut first: Vec<_> = faults.by_ref().take(FEW).map(|fault| (fault, String::new())).collect();
    let more = faults.count() as u64;
    if let Some((_, end)) = first.last_mut().filter(|_| more > 0) {
        *end = format!(" (and {} more like it in this line)", number(more));
    }
    first
}

/// The fix that renames the one member that `key` can have been meant by, where its value fits.
fn renaming(object: &Value<'_>, key: &'static str, fits: impl Fn(&Member<'_>) -> bool) -> Option<Fix> {
    let mut near = object.as_object()?.iter().filter(|member| nearest(&member.key, [key]).is_some());
    let one = near.next().filter(|_| near.next().is_none()).filter(|member| fits(member))?;
    object.get(key).is_none().then(|| Fix::safe(format!("rename the key to `{key}`"), [one.renamed(key)]))
}

/// The rules alone, in the order of [`REGISTRY`].
pub fn all() -> Vec<&'static Rule> {
    REGISTRY.iter().map(|(rule, _)| *rule).collect()
}

/// The rule with this code or name, letter case aside.
pub fn find(code_or_name: &str) -> Option<&'static Rule> {
    REGISTRY
        .iter()
        .map(|(rule, _)| *rule)
        .find(|rule| rule.code.eq_ignore_ascii_case(code_or_name) || rule.name.eq_ignore_ascii_case(code_or_name))
}

/// The index of the catalogue, as it stands in `src/rules/README.md`.
pub fn index() -> String {
    let mut out = String::from(
        "# The rules\n\nGenerated from the catalogue; a test says when it is stale. Levels are those of the rule itself, a target may set others.\n\n\
         | code | name | level | effect | evidence | fix | what |\n|---|---|---|---|---|---|---|\n",
    );
    for (rule, _) in REGISTRY {
        let page = rule.url();
        let page = page.split("/src/rules/").nth(1).unwrap_or_default();
        let level = if rule.opt_in { "off" } else { rule.severity.name() };
        let _ = writeln!(
            out,
            "| {} | [{}]({page}) | {level} | {} | {} | {} | {} |",
            rule.code,
            rule.name,
            rule.effect,
            rule.evidence,
            rule.fix.map_or("", Applicability::name),
            rule.summary()
        );
    }
    out
}
