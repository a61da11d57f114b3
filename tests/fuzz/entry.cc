// What libFuzzer calls. FUZZ_TARGET is the function of one target.
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  diaryx::fuzz::FUZZ_TARGET(diaryx::Bytes(data, size));
  return 0;
}
