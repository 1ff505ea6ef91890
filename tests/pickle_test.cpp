#include "io/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/tensor_file.h"
#include "io/zip_writer.h"
#include "test_files.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = PickleValue::Kind;
using namespace std::string_literals;

constexpr std::string_view allowed[] = {"m.f"};

Pickle read(const std::string& program) { return read_pickle(bytes_of(program), allowed, "p"); }

std::string refusal(const std::string& program) {
  const std::string line = error_of(ErrorKind::format, [&] { read(program); });
  EXPECT_TRUE(line.starts_with("p: ")) << line;
  return line;
}

const PickleValue& root(const Pickle& pickle) { return pickle[pickle.root]; }

TEST(Pickle, ReadsPlainValues) {
  EXPECT_EQ(root(read("\x80\x02N."s)).kind, Kind::none);
  EXPECT_EQ(root(read("\x80\x02\x88."s)).integer, 1);
  EXPECT_EQ(root(read("K\xFF."s)).integer, 255);
  EXPECT_EQ(root(read("M\x01\x02."s)).integer, 513);
  EXPECT_EQ(root(read("J\xFE\xFF\xFF\xFF."s)).integer, -2);
  EXPECT_EQ(root(read("\x8a\x01\xFF."s)).integer, -1);
  EXPECT_EQ(root(read("\x8a\x02\xFF\x00."s)).integer, 255);
  EXPECT_EQ(root(read("\x8a\x00."s)).integer, 0);
  EXPECT_EQ(root(read("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80."s)).integer, INT64_MIN);
  EXPECT_EQ(root(read("\x8a\x09\x01\x00\x00\x00\x00\x00\x00\x00\x01."s)).kind, Kind::wide);
  EXPECT_EQ(root(read("G\xBF\xF8\x00\x00\x00\x00\x00\x00."s)).real, -1.5);
  EXPECT_EQ(root(read("X\x03\x00\x00\x00"
                      "abc."s))
                .text,
            "abc");
  EXPECT_EQ(root(read("\x8c\x03"
                      "abc."s))
                .text,
            "abc");
  EXPECT_EQ(root(read("U\x03"
                      "abc."s))
                .text,
            "abc");
}

TEST(Pickle, BuildsContainersAndShares) {
  // {1: (2, 3), 4: [5, the tuple]}
  const Pickle pickle = read(
      "\x80\x02}(K\x01K\x02K\x03\x86q\x00K\x04](K\x05h\x00"
      "eu."s);
  const PickleValue& dict = root(pickle);
  ASSERT_EQ(dict.kind, Kind::dict);
  ASSERT_EQ(dict.items.size(), 4U);
  EXPECT_EQ(pickle[pickle[dict.items[1]].items[1]].integer, 3);
  EXPECT_EQ(pickle[dict.items[3]].items[1], dict.items[1]);
  EXPECT_EQ(pickle.size, 24U);
}

TEST(Pickle, DescribesCallsOfAllowedGlobals) {
  const Pickle pickle = read("cm\nf\nK\x07\x85R."s);
  const PickleValue& call = root(pickle);
  ASSERT_EQ(call.kind, Kind::call);
  EXPECT_EQ(pickle[call.items[0]].text, "m.f");
  EXPECT_EQ(pickle[pickle[call.items[1]].items[0]].integer, 7);
}

TEST(Pickle, ReadsOrderedDicts) {
  EXPECT_EQ(root(read("ccollections\nOrderedDict\n)RK\x01K\x02s}K\x03K\x04sb."s)).items.size(), 2U);
  const Pickle old = read(
      "ccollections\nOrderedDict\n](](K\x01K\x02"
      "e](K\x03K\x04"
      "ee\x85R."s);
  EXPECT_EQ(root(old).kind, Kind::dict);
  EXPECT_EQ(old[root(old).items[3]].integer, 4);
}

TEST(Pickle, RefusesGlobalsByName) {
  EXPECT_THAT(refusal("cposix\nsystem\nX\x02\x00\x00\x00ls\x85R."s),
              HasSubstr("the pickle refers to \"posix.system\""));
  EXPECT_THAT(refusal("\x80\x04\x8c\x08"
                      "builtins\x8c\x04"
                      "eval\x93\x8c\x01x\x85R."s),
              HasSubstr("\"builtins.eval\""));
  EXPECT_THAT(refusal("cm\ng\n."s), HasSubstr("\"m.g\""));
  EXPECT_THAT(refusal("ctorch\nload\n."s), HasSubstr("\"torch.load\""));
}

TEST(Pickle, RefusesOpcodesByName) {
  EXPECT_THAT(refusal("(iposix\nsystem\n."s), HasSubstr("opcode INST"));
  EXPECT_THAT(refusal("(cm\nf\no."s), HasSubstr("opcode OBJ"));
  EXPECT_THAT(refusal("cm\nf\n)\x81."s), HasSubstr("opcode NEWOBJ"));
  EXPECT_THAT(refusal("cm\nf\n)}\x92."s), HasSubstr("opcode NEWOBJ_EX"));
  EXPECT_THAT(refusal("\x82\x01."s), HasSubstr("opcode EXT1"));
  EXPECT_THAT(refusal("I1\n."s), HasSubstr("opcode INT"));
  EXPECT_THAT(refusal("cm\nf\n)R}b."s), HasSubstr("opcode BUILD"));
  EXPECT_THAT(refusal("\xFE."s), HasSubstr("byte 0xfe is no opcode"));
  EXPECT_THAT(refusal("\x80\x06N."s), HasSubstr("protocol 6"));
}

TEST(Pickle, RefusesDamage) {
  for (const std::string& program : {""s,
                                     "N"s,
                                     "."s,
                                     "0."s,
                                     "(."s,
                                     "t."s,
                                     "1."s,
                                     "h\x00."s,
                                     "q\x00."s,
                                     "K"s,
                                     "X\xFF\xFF\xFF\xFF"
                                     "a."s,
                                     "\x8d\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFx."s,
                                     "\x8a\xFF."s,
                                     "cm"s,
                                     "cm\nf"s,
                                     "K\x01K\x02R."s,
                                     "cm\nf\nK\x01R."s,
                                     "}K\x01"
                                     "a."s,
                                     "]K\x01K\x02s."s,
                                     "}(K\x01u."s,
                                     "K\x01(0."s,
                                     "K\x01(\x85."s,
                                     "K\x01K\x02\x93."s,
                                     "Q."s,
                                     "ccollections\nOrderedDict\nK\x01\x85R."s}) {
    EXPECT_THAT(refusal(program), testing::AnyOf(HasSubstr("damaged"), HasSubstr("truncated"))) << program;
  }
}

TEST(Pickle, ManyValuesAreRefused) {
  std::string empty_tuples(2'000'000, ')');
  empty_tuples.back() = '.';
  EXPECT_THAT(refusal(empty_tuples), HasSubstr("more than 1048576 values"));
  // A list of 20,000 pairs, copied into 20,000 dicts.
  std::string program =
      "ccollections\nOrderedDict\nq\x00"
      "0K\x01K\x02\x86q\x01"
      "0]("s;
  for (int i = 0; i < 20'000; ++i) program += "h\x01";
  program +=
      "e\x85q\x02"
      "0("s;
  for (int i = 0; i < 20'000; ++i) program += "h\x00h\x02R"s;
  EXPECT_THAT(refusal(program + "t."), HasSubstr("more than 1048576 values"));
}

// ---- As PyTorch files ----------------------------------------------------------------------------------------------

// An archive with this data.pkl and one storage of 16 bytes.
std::string refusal_of_archive(const std::string& program) {
  const TempFolder folder;
  const fs::path path = folder / "a.pt";
  ZipWriter archive(path);
  archive.add("a/data.pkl", {bytes_of(program)});
  archive.add("a/data/0", {bytes_of("0123456789ABCDEF")});
  archive.finish();
  const std::string line = error_of(ErrorKind::format, [&] { open_tensor_file(path); });
  EXPECT_TRUE(line.starts_with(path.string() + ": ")) << line;
  return line;
}

// _rebuild_tensor_v2(storage of `elements` floats, offset, (extent,), (stride,), False, OrderedDict()); one-byte
// numbers, but `extent` is the program of a number.
std::string tensor(char elements, char offset, const std::string& extent, char stride) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x01"s +
         "0U\x03"
         "cpuK"s +
         elements + "tQK"s + offset + extent + "\x85K" + stride +
         "\x85\x89"
         "ccollections\nOrderedDict\n)RtR"s;
}

TEST(TorchFile, RefusesTensorsThatDoNotFitTheirStorage) {
  EXPECT_THAT(refusal_of_archive(tensor(5, 0, "K\x04", 1) + "."),
              HasSubstr("storage \"0\" has 5 elements of F32, but 16 bytes"));
  EXPECT_THAT(refusal_of_archive(tensor(4, 0, "K\x05", 1) + "."),
              HasSubstr("tensor \"tensor\": it reaches beyond the 4 elements"));
  EXPECT_THAT(refusal_of_archive(tensor(4, 1, "K\x04", 1) + "."), HasSubstr("reaches beyond"));
  EXPECT_THAT(refusal_of_archive(tensor(4, 4, "K\x01", 1) + "."), HasSubstr("reaches beyond"));
  EXPECT_THAT(refusal_of_archive(tensor(4, 0, "K\x02", 4) + "."), HasSubstr("reaches beyond"));
  // 2^60 elements; 2^28 of one that repeats.
  EXPECT_THAT(refusal_of_archive(tensor(4, 0, "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x10"s, 0) + "."),
              HasSubstr("more than 2^48"));
  EXPECT_THAT(refusal_of_archive(tensor(4, 0, "J\x00\x00\x00\x10"s, 0) + "."), HasSubstr("it repeats 1 elements"));
  EXPECT_THAT(refusal_of_archive(tensor(4, 0, "J\xFF\xFF\xFF\xFF"s, 1) + "."), HasSubstr("a tensor is not as PyTorch"));
}

TEST(TorchFile, RefusesWhatIsNotAsPyTorchWritesIt) {
  const std::string good = tensor(4, 0, "K\x04", 1);
  std::string other = good;
  other[other.find("U\x01"
                   "0") +
        2] = '1';
  EXPECT_THAT(refusal_of_archive(other + "."), HasSubstr("storage \"1\" is missing"));
  EXPECT_THAT(refusal_of_archive("}(U\x01"
                                 "a"s +
                                 good +
                                 "U\x01"
                                 "a"s +
                                 good + "u."),
              HasSubstr("two tensors are called \"a\""));
  EXPECT_THAT(refusal_of_archive("}("s + good + "K\x01u."), HasSubstr("a dict's key"));
  EXPECT_THAT(refusal_of_archive("ctorch._utils\n_rebuild_parameter\n)R."s), HasSubstr("a tensor is not as PyTorch"));
  EXPECT_THAT(refusal_of_archive("cposix\nsystem\nU\x02ls\x85R."s), HasSubstr("posix.system"));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "](";
  EXPECT_THAT(refusal_of_archive(deep + std::string(100, 'e') + "."), HasSubstr("nested deeper than 64"));
  // Lists of ten times the one before, nine deep; and one that holds itself.
  std::string many = "K\x01";
  for (char level = 0; level < 9; ++level) {
    many += "q"s + level + "0](";
    for (int i = 0; i < 10; ++i) many += "h"s + level;
    many += "e";
  }
  EXPECT_THAT(refusal_of_archive(many + "."), HasSubstr("share each other too often"));
  EXPECT_THAT(refusal_of_archive("]q\x00h\x00"
                                 "a."s),
              HasSubstr("nested deeper than 64"));
}

TEST(TorchFile, RefusesOtherPickles) {
  const auto refusal_of = [](const std::string& bytes) {
    return error_of(ErrorKind::format, [&] { parse_tensor_file(bytes_of(bytes), "f"); });
  };
  EXPECT_THAT(refusal_of("\x80\x02K\x01."s), HasSubstr("a pickle, but not one of torch.save"));
  const std::string magic = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s;
  EXPECT_THAT(refusal_of(magic + "\x80\x02M\xe8\x03."s), HasSubstr("version 1000 of the format; 1001 is read"));
  EXPECT_THAT(refusal_of(magic), HasSubstr("truncated"));
}

}  // namespace
}  // namespace fovea
