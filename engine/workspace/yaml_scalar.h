// Single YAML scalars: what a text means, and how a value is written so that every reader takes it
// for the same thing.
//
// Read: YAML 1.2's core schema. Written: with quotes wherever YAML 1.2 or 1.1 would see anything
// but this very string.
#pragma once

#include <string>
#include <string_view>

#include "engine/codec/any.h"

namespace diaryx::workspace {

enum class Quote { Plain, Single, Double };
// Where the text will stand: flow collections and keys allow less.
enum class YamlPlace { Block, Flow, Key };

// null, a bool, a number or the text itself. Whole numbers that a double cannot hold exactly stay
// text.
codec::Any resolve_plain(std::string_view text);

// One line. `preferred` is used if it can express the text; else double quotes.
std::string write_string(std::string_view text, Quote preferred, YamlPlace place);

// Any scalar but a string: "null", "true", "1.5", ".nan".
std::string write_number(double value);

// The value as reading it back from YAML would give it: undefined becomes null, a BigInt a number
// if exact and else text, bytes base64, what is no UTF-8 U+FFFD.
codec::Any yaml_form(const codec::Any& value);
// The two read alike from YAML: equal forms, whatever the order of keys; 0 and -0 count as one.
bool same_in_yaml(const codec::Any& a, const codec::Any& b);

}  // namespace diaryx::workspace
