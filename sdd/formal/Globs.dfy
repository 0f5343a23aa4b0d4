// Patterns: "*", "?" and "[abc]" within a segment, "**" for any number of segments; and the shortcut of `glob`, which
// lists only the folder that every match must stand in.

include "Scopes.dfy"

module Globs {
  import opened Texts
  import opened Keys
  import opened Trees
  import opened Listing

  const Star: Letter := 42
  const Question: Letter := 63
  const Open: Letter := 91     // "["
  const Close: Letter := 93    // "]"
  const Not: Letter := 33      // "!"
  const Dash: Letter := 45

  predicate method IsMagic(letter: Letter) { letter == Star || letter == Question || letter == Open }
  predicate method IsPlain(text: Text) { text == [] || (!IsMagic(text[0]) && IsPlain(text[1..])) }

  predicate method HasTwoStars(text: Text) {
    |text| >= 2 && ((text[0] == Star && text[1] == Star) || HasTwoStars(text[1..]))
  }

  predicate method IsAnySegments(segment: Text) { segment == [Star, Star] }

  // "**" is a segment of its own, or the pattern is refused.
  predicate method IsGlob(pattern: Text) {
    var segments := Split(pattern);
    forall i | 0 <= i < |segments| ::
      IsAnySegments(segments[i]) || (!HasTwoStars(segments[i]) && !RunsBackwards(segments[i]))
  }

  // "[z-a]" is refused, too.
  predicate method RunsBackwards(pattern: Text)
    decreases |pattern|
  {
    pattern != [] &&
      if pattern[0] == Open && ClassEnd(pattern) > 0 then
        var end := ClassEnd(pattern);
        BackwardsInside(if pattern[1] == Not then pattern[2..end] else pattern[1..end]) || RunsBackwards(pattern[end + 1..])
      else RunsBackwards(pattern[1..])
  }

  predicate method BackwardsInside(members: Text) {
    if |members| >= 3 && members[1] == Dash then members[0] > members[2] || BackwardsInside(members[3..])
    else members != [] && BackwardsInside(members[1..])
  }

  // What stands before the first magic letter, up to the last slash there: the folder that `glob` lists. It is a path,
  // and is refused as one.
  function method FixedFolder(pattern: Text): Text {
    UpToSlash(BeforeMagic(pattern))
  }

  function method BeforeMagic(pattern: Text): Text {
    if pattern == [] || IsMagic(pattern[0]) then [] else [pattern[0]] + BeforeMagic(pattern[1..])
  }

  function method UpToSlash(text: Text): Text
    decreases |text|
  {
    if text == [] then [] else if text[|text| - 1] == Slash then text[..|text| - 1] else UpToSlash(text[..|text| - 1])
  }

  predicate method IsPattern(pattern: Text) {
    if Slash in pattern || HasTwoStars(pattern) then IsGlob(pattern) else !RunsBackwards(pattern)
  }

  // Where "]" closes a class that begins at 0; 0: nowhere. "[]a]" and "[!]a]" hold a "]".
  function method ClassEnd(pattern: Text): nat
    requires pattern != []
    ensures ClassEnd(pattern) < |pattern|
    ensures ClassEnd(pattern) > 0 ==> ClassEnd(pattern) >= 2
  {
    FindClose(pattern, if |pattern| > 1 && pattern[1] == Not then 3 else 2)
  }

  function method FindClose(pattern: Text, from: nat): nat
    requires pattern != []
    ensures FindClose(pattern, from) < |pattern|
    ensures FindClose(pattern, from) > 0 ==> FindClose(pattern, from) >= from
    decreases |pattern| - from
  {
    if from >= |pattern| then 0 else if pattern[from] == Close then from else FindClose(pattern, from + 1)
  }

  // "abc" and "a-c"; a dash at either end is a dash.
  predicate method InClass(members: Text, letter: Letter) {
    if |members| >= 3 && members[1] == Dash then
      members[0] <= letter <= members[2] || InClass(members[3..], letter)
    else
      members != [] && (members[0] == letter || InClass(members[1..], letter))
  }

  predicate method ClassHolds(inside: Text, letter: Letter) {
    if inside != [] && inside[0] == Not then !InClass(inside[1..], letter) else InClass(inside, letter)
  }

  predicate method Matches(pattern: Text, segment: Text)
    decreases |pattern| + |segment|
  {
    if pattern == [] then segment == []
    else if pattern[0] == Star then
      Matches(pattern[1..], segment) || (segment != [] && Matches(pattern, segment[1..]))
    else if segment == [] then false
    else if pattern[0] == Question then Matches(pattern[1..], segment[1..])
    else if pattern[0] == Open && ClassEnd(pattern) > 0 then
      var end := ClassEnd(pattern);
      ClassHolds(pattern[1..end], segment[0]) && Matches(pattern[end + 1..], segment[1..])
    else pattern[0] == segment[0] && Matches(pattern[1..], segment[1..])
  }

  predicate method MatchesAll(patterns: seq<Text>, segments: seq<Text>)
    decreases |patterns| + |segments|
  {
    if patterns == [] then segments == []
    else if IsAnySegments(patterns[0]) && |patterns| == 1 then segments != []
    else if IsAnySegments(patterns[0]) then
      MatchesAll(patterns[1..], segments) || (segments != [] && MatchesAll(patterns, segments[1..]))
    else segments != [] && Matches(patterns[0], segments[0]) && MatchesAll(patterns[1..], segments[1..])
  }

  predicate method MatchesPath(pattern: Text, path: Text) {
    MatchesAll(Split(pattern), Split(path))
  }

  // The pattern of `list_files`: one for the name, or one for the path below the folder if it has "/" or "**".
  predicate method MatchesBelow(pattern: Text, rest: Text) {
    if Slash in pattern || HasTwoStars(pattern) then MatchesPath(pattern, rest)
    else Matches(pattern, Split(rest)[|Split(rest)| - 1])
  }

  method Glob(tree: Tree, root: Text, pattern: Text) returns (names: seq<Text>)
    ensures forall k :: k in names <==>
      Listed(tree, root, true, None, k) && |k| > |root| && MatchesPath(pattern, Rest(root, k)) //: GLOB-01
    ensures InOrder(names)                                                                    //: GLOB-01 LIST-02
  {
    names := Sort(set k | k in tree.files && IsBelow(k, root) && WithinDepth(k, root, true, None)
                          && |k| > |root| && MatchesPath(pattern, Rest(root, k)));
  }

  function method Rest(folder: Text, key: Text): Text
    requires |key| > |folder|
  {
    if folder == [] then key else key[|folder| + 1..]
  }

  method ListMatching(tree: Tree, folder: Text, recursive: bool, deepest: Option<nat>, pattern: Text)
    returns (names: seq<Text>)
    ensures forall k :: k in names <==>
      Listed(tree, folder, recursive, deepest, k) && |k| > |folder| && MatchesBelow(pattern, Rest(folder, k)) //: LIST-06
    ensures InOrder(names)                                                                    //: LIST-06 LIST-02
  {
    names := Sort(set k | k in tree.files && IsBelow(k, folder) && WithinDepth(k, folder, recursive, deepest)
                          && |k| > |folder| && MatchesBelow(pattern, Rest(folder, k)));
  }

  // ---------------------------------------------------------------------------------------------- contracts

  lemma PlainMatchesItself(pattern: Text, segment: Text)
    requires IsPlain(pattern)
    ensures Matches(pattern, segment) <==> pattern == segment                                 //: GLOB-03
  {
    if pattern != [] && segment != [] {
      PlainMatchesItself(pattern[1..], segment[1..]);
      assert pattern == [pattern[0]] + pattern[1..] && segment == [segment[0]] + segment[1..];
    }
  }

  lemma StarMatchesAnySegment(segment: Text)
    ensures Matches([Star], segment)                                                          //: GLOB-01
    ensures Matches([Question], segment) <==> |segment| == 1                                  //: GLOB-01
  {
    if segment != [] {
      StarMatchesAnySegment(segment[1..]);
      assert [Question][1..] == [];
    }
  }

  // Without "**" a match has as many segments as the pattern: "*" never crosses a slash.
  lemma SegmentsMatchOneByOne(patterns: seq<Text>, segments: seq<Text>)
    requires MatchesAll(patterns, segments)
    requires forall p :: p in patterns ==> !IsAnySegments(p)
    ensures |patterns| == |segments|                                                          //: GLOB-01
    ensures forall i :: 0 <= i < |patterns| ==> Matches(patterns[i], segments[i])             //: GLOB-01
  {
    if patterns != [] { SegmentsMatchOneByOne(patterns[1..], segments[1..]); }
  }

  lemma AnySegmentsMatch(patterns: seq<Text>, between: seq<Text>, segments: seq<Text>)
    requires patterns != [] && MatchesAll(patterns, segments)
    ensures MatchesAll([[Star, Star]] + patterns, between + segments)                         //: GLOB-02
    decreases |between|
  {
    var all := [[Star, Star]] + patterns;
    assert all[1..] == patterns;
    if between == [] {
      assert between + segments == segments;
    } else {
      AnySegmentsMatch(patterns, between[1..], segments);
      assert (between + segments)[1..] == between[1..] + segments;
    }
  }

  lemma NegatedClass(letter: Letter, other: Letter)
    requires letter != Close && letter != Not && letter != Dash && other != letter
    ensures Matches([Open, Not, letter, Close], [other])                                      //: GLOB-04
    ensures !Matches([Open, Not, letter, Close], [letter])                                    //: GLOB-04
    ensures Matches([Open, letter], [Open, letter])                                           //: GLOB-04
  {
    var pattern := [Open, Not, letter, Close];
    assert ClassEnd(pattern) == 3;
    assert pattern[1..3] == [Not, letter] && [Not, letter][1..] == [letter];
    assert pattern[4..] == [];
    assert [letter][1..] == [];
    assert ClassHolds([Not, letter], other) && !ClassHolds([Not, letter], letter);
    var open := [Open, letter];
    assert open[1..] == [letter];
    assert ClassEnd(open) == 0;
    assert Matches([letter], [letter]) by {
      if letter == Open { assert ClassEnd([letter]) == 0; }
      if letter == Star { StarMatchesAnySegment([letter]); }
    }
  }

  // The shortcut: leading plain segments are the folder in which every match stands.
  lemma MatchesStandInTheFixedFolder(pattern: Text, path: Text, fixed: nat)
    requires MatchesPath(pattern, path) && fixed < |Split(pattern)|
    requires forall i :: 0 <= i < fixed ==> IsPlain(Split(pattern)[i])
    ensures fixed < |Split(path)|                                                             //: GLOB-01
    ensures Split(path)[..fixed] == Split(pattern)[..fixed]                                   //: GLOB-01
  {
    PlainStart(Split(pattern), Split(path), fixed);
  }

  lemma PlainStart(patterns: seq<Text>, segments: seq<Text>, fixed: nat)
    requires MatchesAll(patterns, segments) && fixed < |patterns|
    requires forall i :: 0 <= i < fixed ==> IsPlain(patterns[i])
    ensures fixed < |segments| && segments[..fixed] == patterns[..fixed]
    decreases |patterns|
  {
    if fixed == 0 {
      SomethingMatches(patterns, segments);
    } else {
      assert !IsMagic(Star) ==> false;
      PlainMatchesItself(patterns[0], segments[0]);
      PlainStart(patterns[1..], segments[1..], fixed - 1);
      assert patterns[..fixed] == [patterns[0]] + patterns[1..][..fixed - 1];
      assert segments[..fixed] == [segments[0]] + segments[1..][..fixed - 1];
    }
  }

  lemma SomethingMatches(patterns: seq<Text>, segments: seq<Text>)
    requires MatchesAll(patterns, segments) && patterns != []
    ensures segments != []
    decreases |patterns|
  {
    if IsAnySegments(patterns[0]) && |patterns| > 1 && segments == [] { SomethingMatches(patterns[1..], segments); }
  }
}
