// Keys: which texts name a file or a folder. A key is kept as its text; nothing is folded or decoded.

include "Texts.dfy"

module Keys {
  import opened Texts

  datatype Parsed = Key(key: Text) | Refused

  const LongestSegment := 255   // bytes of UTF-8
  const LongestKey := 1024

  function method Bytes(letter: Letter): int {
    if letter < 0x80 then 1 else if letter < 0x800 then 2 else if letter < 0x10000 then 3 else 4
  }

  function method Size(text: Text): int
    ensures Size(text) >= |text|
  {
    if text == [] then 0 else Bytes(text[0]) + Size(text[1..])
  }

  predicate method IsControl(letter: Letter) { letter < 0x20 || 0x7F <= letter < 0xA0 }
  predicate method IsSurrogate(letter: Letter) { 0xD800 <= letter < 0xE000 }
  predicate method IsBackslash(letter: Letter) { letter == 92 }
  predicate method IsOrdinary(letter: Letter) {
    letter != Slash && !IsControl(letter) && !IsSurrogate(letter) && !IsBackslash(letter)
  }

  predicate method IsDots(segment: Text) { segment == [46] || segment == [46, 46] }   // "." and ".."

  predicate method IsLatin(letter: Letter) { 65 <= letter <= 90 || 97 <= letter <= 122 }
  predicate method HasDrive(segment: Text) { |segment| >= 2 && IsLatin(segment[0]) && segment[1] == 58 }   // "C:"

  predicate method AllOrdinary(segment: Text)
    ensures AllOrdinary(segment) <==> forall c :: c in segment ==> IsOrdinary(c)
  {
    segment == [] || (IsOrdinary(segment[0]) && AllOrdinary(segment[1..]))
  }

  predicate method IsSegment(segment: Text) {
    && segment != [] && !IsDots(segment) && !HasDrive(segment)
    && AllOrdinary(segment) && Size(segment) <= LongestSegment
  }

  predicate method AreSegments(segments: seq<Text>)
    ensures AreSegments(segments) <==> forall s :: s in segments ==> IsSegment(s)
  {
    segments == [] || (IsSegment(segments[0]) && AreSegments(segments[1..]))
  }

  // No rule asks where in a key a segment stands, so that what is left of a key below any folder is a key again.
  predicate method IsKey(text: Text) {
    AreSegments(Split(text)) && Size(text) <= LongestKey
  }

  // The parser of files' paths, and that of folders' paths, which takes the empty one for the root.
  function method ParseKey(text: Text): Parsed {
    if IsKey(text) then Key(text) else Refused
  }

  function method ParseFolder(text: Text): Parsed {
    if text == [] then Key(text) else ParseKey(text)
  }

  lemma WhatASegmentIs(text: Text, segment: Text)
    requires IsKey(text) && segment in Split(text)
    ensures segment != []                                                                     //: KEY-01
    ensures segment != [46] && segment != [46, 46]                                            //: KEY-02
    ensures !HasDrive(segment)                                                                //: KEY-06
    ensures Size(segment) <= LongestSegment                                                   //: KEY-07
  {}

  lemma WhatAKeyIs(text: Text)
    requires IsKey(text)
    ensures Size(text) <= LongestKey                                                          //: KEY-08
  {}

  lemma WhatAKeyBeginsAndEndsWith(text: Text)
    requires IsKey(text)
    ensures text != [] && text[0] != Slash && text[|text| - 1] != Slash                       //: KEY-01
  {
    assert Split(text)[0] != [];
    SlashAtAnEndMakesAnEmptySegment(text);
  }

  lemma WhatItsLettersAre(text: Text, letter: Letter)
    requires IsKey(text) && letter in text
    ensures !IsControl(letter)                                                                //: KEY-03
    ensures !IsBackslash(letter)                                                              //: KEY-04
    ensures !IsSurrogate(letter)                                                              //: KEY-05
  {
    if letter != Slash {
      var segment := SegmentWith(text, letter);
      assert IsSegment(segment);
    }
  }

  // What the names above stand for, spelled out.
  lemma TheLimits(letter: Letter)
    ensures IsLatin(letter) <==> 65 <= letter <= 90 || 97 <= letter <= 122                    //: KEY-06
    ensures IsControl(letter) <==> letter <= 31 || 127 <= letter <= 159                       //: KEY-03
    ensures IsSurrogate(letter) <==> 55296 <= letter <= 57343                                 //: KEY-05
    ensures LongestSegment == 255                                                             //: KEY-07
    ensures LongestKey == 1024                                                                //: KEY-08
    ensures Bytes(letter) == if letter < 128 then 1 else if letter < 2048 then 2 else if letter < 65536 then 3 else 4 //: KEY-07
  {}

  lemma SegmentWith(text: Text, letter: Letter) returns (segment: Text)
    requires letter in text && letter != Slash
    ensures segment in Split(text) && letter in segment
  {
    var rest := Split(text[1..]);
    if text[0] == letter {
      segment := Split(text)[0];
    } else {
      segment := SegmentWith(text[1..], letter);
      if text[0] == Slash {
        assert Split(text)[1..] == rest;
      } else if segment == rest[0] {
        segment := [text[0]] + rest[0];
        assert Split(text)[0] == segment;
      } else {
        assert Split(text)[1..] == rest[1..];
      }
    }
  }

  lemma SlashAtAnEndMakesAnEmptySegment(text: Text)
    requires text != []
    ensures text[0] == Slash || text[|text| - 1] == Slash ==> [] in Split(text)
  {
    var last := |text| - 1;
    if text[0] == Slash {
      assert Split(text)[0] == [];
    } else if text[last] == Slash {
      SplitAtSlash(text[..last], []);
      assert text == text[..last] + [Slash] + [];
      assert Split(text)[|Split(text)| - 1] == [];
    }
  }

  // Parsing is total, keeps every letter, and never makes two paths one.
  lemma ParsingKeepsTheText(one: Text, other: Text)
    ensures ParseKey(one).Key? ==> ParseKey(one).key == one                                   //: KEY-10
    ensures ParseKey(one).Key? && ParseKey(one) == ParseKey(other) ==> one == other           //: KEY-10
    ensures ParseKey(one).Refused? <==> !IsKey(one)                                           //: KEY-09
    ensures one != [] ==> ParseFolder(one) == ParseKey(one)                                   //: KEY-09
  {}

  lemma TheEmptyPath()
    ensures ParseFolder([]) == Key([])                                                        //: KEY-12
    ensures ParseKey([]) == Refused                                                           //: KEY-12
  {
    assert Split([]) == [[]];
    assert [] in Split([]);
  }

  // space ' " % ? # & + * [ : ~ $ - and "é", "語", a smiling face: each is a key, so is ".-"
  lemma OrdinaryLetters(c: Letter)
    requires c in [32, 39, 34, 37, 63, 35, 38, 43, 42, 91, 58, 126, 36, 45, 0xE9, 0x8A9E, 0x1F600]
    ensures IsKey([c]) && IsKey([46, 45]) && IsKey([97, Slash, c])                            //: KEY-13
  {
    SingleSegment([c]);
    SingleSegment([46, 45]);
    SingleSegment([97]);
    SplitAtSlash([97], [c]);
    assert [97] + [Slash] + [c] == [97, Slash, c];
    SizeOfTwo([97, Slash], [c]);
    SizeOfTwo([97], [Slash]);
    assert [97] + [Slash] == [97, Slash] && [97, Slash] + [c] == [97, Slash, c];
    assert !IsDots([c]) && !IsDots([46, 45]) && AllOrdinary([c]) && AllOrdinary([46, 45]) && AllOrdinary([97]);
    SizeOfOne(c);
    SizeOfTwo([46], [45]);
    assert [46] + [45] == [46, 45];
  }

  lemma SingleSegment(text: Text)
    requires Slash !in text
    ensures Split(text) == [text]
  {
    if text != [] {
      SingleSegment(text[1..]);
      assert text == [text[0]] + text[1..];
    }
  }

  lemma ASegmentOf255Bytes(letter: Letter, text: Text)
    requires IsOrdinary(letter) && letter < 0x80 && !IsDots(text)
    requires |text| == LongestSegment && forall i :: 0 <= i < |text| ==> text[i] == letter
    ensures IsKey(text)                                                                       //: KEY-07
    ensures !IsKey(text + [letter])                                                           //: KEY-07
  {
    SizeOfAscii(text);
    SingleSegment(text);
    SizeOfAscii(text + [letter]);
    SingleSegment(text + [letter]);
  }

  lemma SizeOfOne(letter: Letter)
    ensures Size([letter]) == Bytes(letter)
  {
    assert [letter][1..] == [];
  }

  lemma SizeOfAscii(text: Text)
    requires forall i :: 0 <= i < |text| ==> text[i] < 0x80
    ensures Size(text) == |text|
  {
    if text != [] {
      SizeOfAscii(text[1..]);
    }
  }

  lemma SizeOfTwo(left: Text, right: Text)
    ensures Size(left + right) == Size(left) + Size(right)
  {
    if left == [] {
      assert left + right == right;
    } else {
      SizeOfTwo(left[1..], right);
      assert (left + right)[1..] == left[1..] + right;
    }
  }
}
