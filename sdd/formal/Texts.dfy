// Texts: sequences of Unicode code points, their order, and how a text falls into segments at its slashes.

module Texts {
  newtype Letter = x: int | 0 <= x < 0x110000
  type Text = seq<Letter>

  const Slash: Letter := 47

  predicate method StartsWith(text: Text, start: Text) {
    |start| <= |text| && text[..|start|] == start
  }

  // The order of listings: letter by letter, the shorter text first. Python's, and that of UTF-8 bytes.
  predicate method Less(a: Text, b: Text) {
    b != [] && (a == [] || a[0] < b[0] || (a[0] == b[0] && Less(a[1..], b[1..])))
  }

  lemma LessIsStrict(a: Text)
    ensures !Less(a, a)
  {}

  lemma LessIsTotal(a: Text, b: Text)
    ensures Less(a, b) || a == b || Less(b, a)
  {
    if a != [] && b != [] && a[0] == b[0] {
      LessIsTotal(a[1..], b[1..]);
      assert a == [a[0]] + a[1..] && b == [b[0]] + b[1..];
    }
  }

  lemma LessIsTransitive(a: Text, b: Text, c: Text)
    requires Less(a, b) && Less(b, c)
    ensures Less(a, c)
  {
    if a != [] && a[0] == b[0] == c[0] {
      LessIsTransitive(a[1..], b[1..], c[1..]);
    }
  }

  // Cutting the same beginning off two texts keeps their order: a child lists in the order of its parent.
  lemma LessBehindSameStart(start: Text, a: Text, b: Text)
    ensures Less(start + a, start + b) <==> Less(a, b)
  {
    if start == [] {
      assert start + a == a && start + b == b;
    } else {
      LessBehindSameStart(start[1..], a, b);
      assert (start + a)[1..] == start[1..] + a;
      assert (start + b)[1..] == start[1..] + b;
    }
  }

  // What the order is: the first letter that differs decides, and nothing comes before something.
  lemma TheOrder(start: Text, a: Letter, b: Letter, left: Text, right: Text)
    requires a < b
    ensures Less(start + ([a] + left), start + ([b] + right))                                 //: LIST-02
    ensures Less(start, start + ([a] + left))                                                 //: LIST-02
  {
    LessBehindSameStart(start, [a] + left, [b] + right);
    LessBehindSameStart(start, [], [a] + left);
    assert start + [] == start;
  }

  // "a/b" is the segments "a" and "b"; a text without a slash is one segment, also the empty one.
  function method Split(text: Text): seq<Text>
    ensures |Split(text)| >= 1
  {
    if text == [] then [[]]
    else
      var rest := Split(text[1..]);
      if text[0] == Slash then [[]] + rest
      else [[text[0]] + rest[0]] + rest[1..]
  }

  function method Join(segments: seq<Text>): Text
    requires |segments| >= 1
  {
    if |segments| == 1 then segments[0]
    else segments[0] + [Slash] + Join(segments[1..])
  }

  lemma JoinUndoesSplit(text: Text)
    ensures Join(Split(text)) == text
  {
    if text != [] {
      JoinUndoesSplit(text[1..]);
      var rest := Split(text[1..]);
      if text[0] == Slash {
        assert Split(text)[1..] == rest;
      } else {
        assert Split(text)[1..] == rest[1..];
      }
      assert text == [text[0]] + text[1..];
    }
  }

  lemma SplitAtSlash(left: Text, right: Text)
    ensures Split(left + [Slash] + right) == Split(left) + Split(right)
  {
    var whole := left + [Slash] + right;
    if left == [] {
      assert whole[1..] == right;
    } else {
      SplitAtSlash(left[1..], right);
      assert whole[1..] == left[1..] + [Slash] + right;
    }
  }

  lemma JoinOfTwo(left: seq<Text>, right: seq<Text>)
    requires |left| >= 1 && |right| >= 1
    ensures Join(left + right) == Join(left) + [Slash] + Join(right)
  {
    if |left| == 1 {
      assert (left + right)[1..] == right;
    } else {
      JoinOfTwo(left[1..], right);
      assert (left + right)[1..] == left[1..] + right;
    }
  }

  // One beginning with a slash behind it: exactly the texts that have its segments, and more behind them.
  lemma PrefixIsSegments(text: Text, folder: Text)
    ensures StartsWith(text, folder + [Slash])
      <==> |Split(folder)| < |Split(text)| && Split(text)[..|Split(folder)|] == Split(folder)
  {
    var cut := |folder| + 1;
    var few, all := Split(folder), Split(text);
    if StartsWith(text, folder + [Slash]) {
      SplitAtSlash(folder, text[cut..]);
      assert text == folder + [Slash] + text[cut..];
    }
    if |few| < |all| && all[..|few|] == few {
      JoinOfTwo(few, all[|few|..]);
      JoinUndoesSplit(folder);
      JoinUndoesSplit(text);
      assert all == few + all[|few|..];
    }
  }
}
