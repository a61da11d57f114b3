// What a workload must have made. Each of these stops the program with exit code 1 if it has not:
// a wrong result is an error, not a time.
#pragma once

#include <string>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/crdt/doc.h"
#include "tests/bench/data.h"

namespace diaryx::bench {

void expect(bool right, const char* what);
void expect_ok(const Status& status, const char* what);
// The octets of the file.
void expect_file(const Data& data, Bytes bytes, const std::string& name);
// The text `text` of the document is the file, and its whole state encodes as that other one.
void expect_text(const Data& data, crdt::Doc& doc, const std::string& text_file,
                 const std::string& state_file);
// The text, map and array of the document are what the object in that JSON file says.
void expect_json(const Data& data, crdt::Doc& doc, const std::string& file);

}  // namespace diaryx::bench
