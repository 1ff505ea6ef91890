#include "io/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_files.h"

namespace fovea {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text) {
  const std::string line = error_of(ErrorKind::format, [&] { parse_json(text, "net.json"); });
  EXPECT_TRUE(line.starts_with("net.json: ")) << line;
  EXPECT_LT(line.size(), 300U);
  return line;
}

std::string nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, ParsesWhatTheGrammarAllows) {
  const nlohmann::json json = parse_json(" {\"a\": [1, -2.5, true, null], \"\u00e9\": {\"a\": \"\\u00e9\"}}\n", "x");
  EXPECT_EQ(json["a"].size(), 4U);
  EXPECT_EQ(json["\u00e9"]["a"], "\u00e9");
  EXPECT_EQ(parse_json("18446744073709551615", "x").get<uint64_t>(), UINT64_MAX);
  EXPECT_NO_THROW(parse_json(nested(64), "x"));
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const char* text :
       {"",   " ",  "{",      "{}x",     "{} {}",       "[1,]",      "{a:1}", "'a'",   "nan",       "01",
        "+1", "1.", "\"\n\"", "// c\n1", "\"\\ud800\"", "\"\\x41\"", "tru",   "[1 2]", "{\"a\" 1}", "{\"a\":1,}"}) {
    EXPECT_THAT(refusal(text), HasSubstr("invalid JSON at byte")) << text;
  }
  EXPECT_THAT(refusal("1e999"), HasSubstr("out of range"));
}

TEST(Json, SaysWhereAndWhat) {
  EXPECT_THAT(refusal("[1, x" + std::string(1000, 'x')), HasSubstr("at byte 5: syntax error while parsing value"));
}

TEST(Json, RefusesKeysThatOccurTwice) {
  EXPECT_THAT(refusal(R"({"a": 1, "b": 2, "a": 3})"), HasSubstr("has the key \"a\" twice"));
  EXPECT_THAT(refusal(R"({"x": [{"a": 1, "\u0061": 3}]})"), HasSubstr("has the key \"a\" twice"));
  EXPECT_NO_THROW(parse_json(R"([{"a": {"a": 1}}, {"a": 1}])", "x"));
  const std::string key(1000, 'k');
  EXPECT_THAT(refusal("{\"" + key + "\":1,\"" + key + "\":2}"), HasSubstr("kkk\"... twice"));
}

TEST(Json, RefusesDeepNestingWithoutRecursion) {
  EXPECT_THAT(refusal(nested(65)), HasSubstr("nested deeper than 64"));
  EXPECT_THAT(refusal(std::string(10'000'000, '[')), HasSubstr("nested deeper than 64"));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_THAT(refusal(objects), HasSubstr("nested deeper than 64"));
}

TEST(Json, RefusesMoreValuesThanMemoryShouldHold) {
  std::string text = "[";
  for (int i = 0; i < 4'200'000; ++i) text += "1,";
  EXPECT_THAT(refusal(text), HasSubstr("more than 4194304 values"));
}

TEST(Json, TakesTimeInProportionToTheText) {
  std::string text = "[0";
  for (int i = 0; i < 1'000'000; ++i) text += ",{}";
  EXPECT_EQ(parse_json(text + "]", "x").size(), 1'000'001U);  // hours if each object looked at its siblings
}

TEST(Json, RefusesWrongUtf8AndBytesOutsideTheText) {
  for (const char* text : {"\"\xFF\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xE2\x82\"", "\"\xF4\x90\x80\x80\""}) {
    EXPECT_THAT(refusal(text), HasSubstr("invalid string")) << text;
  }
  EXPECT_THAT(refusal("\xFF"), HasSubstr("invalid"));
  EXPECT_THAT(refusal("\xEF\xBB\xBF{}"), HasSubstr("byte order mark"));
  EXPECT_THAT(refusal(std::string_view("{}\0x", 4)), HasSubstr("zero byte"));
}

TEST(Json, QuotedNamesStayOneShortLine) {
  EXPECT_EQ(quote_name("conv1.weight"), "\"conv1.weight\"");
  EXPECT_EQ(quote_name("a\n\x1B[2J\""), R"("a\n\x1b[2J\"")");
  EXPECT_EQ(quote_name(std::string(200, 'a')), "\"" + std::string(80, 'a') + "\"...");
}

}  // namespace
}  // namespace fovea
