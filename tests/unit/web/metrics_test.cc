#include "web/metrics.h"

#include <doctest/doctest.h>

using namespace diaryx::web;

TEST_SUITE("web/metrics") {
  TEST_CASE("counters, gauges and labels are written as Prometheus reads them") {
    MetricsText out;
    out.counter("a_total", "All of it.", 3);
    out.family("b", "gauge", "By kind.");
    out.sample(1, {{"kind", "x"}, {"more", "y"}});
    out.sample_seconds(1'500'001);
    CHECK(out.text() ==
          "# HELP a_total All of it.\n# TYPE a_total counter\na_total 3\n"
          "# HELP b By kind.\n# TYPE b gauge\nb{kind=\"x\",more=\"y\"} 1\nb 1.500001\n");
  }

  TEST_CASE("a histogram's buckets are sums, and a time on a border belongs to the lower one") {
    LatencyHistogram times;
    for (const std::uint64_t us : {0U, 100U, 101U, 2'000U, 10'000'000U, 10'000'001U}) times.add(us);
    CHECK(times.count() == 6);
    MetricsText out;
    out.histogram("t_seconds", "Times.", times);
    const std::string& text = out.text();
    CHECK(text.find("t_seconds_bucket{le=\"0.0001\"} 2\n") != std::string::npos);
    CHECK(text.find("t_seconds_bucket{le=\"0.00025\"} 3\n") != std::string::npos);
    CHECK(text.find("t_seconds_bucket{le=\"0.001\"} 3\n") != std::string::npos);
    CHECK(text.find("t_seconds_bucket{le=\"0.0025\"} 4\n") != std::string::npos);
    CHECK(text.find("t_seconds_bucket{le=\"10\"} 5\n") != std::string::npos);
    CHECK(text.find("t_seconds_bucket{le=\"+Inf\"} 6\n") != std::string::npos);
    CHECK(text.find("t_seconds_sum 20.002202\n") != std::string::npos);
    CHECK(text.find("t_seconds_count 6\n") != std::string::npos);
  }
}
