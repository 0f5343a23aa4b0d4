// Listings: complete, sound, in order, each entry once, no deeper than asked.

include "Folders.dfy"

module Listing {
  import opened Texts
  import opened Keys
  import opened Trees
  import opened Folders

  // A listing is a sequence of names; a folder's name is its key with a slash behind, which is also how it sorts.

  function method FolderName(folder: Text): Text {
    folder + [Slash]
  }

  function method Slashes(text: Text): nat {
    if text == [] then 0 else (if text[0] == Slash then 1 else 0) + Slashes(text[1..])
  }

  // How many folders lie between a folder and a key below it: 0 for a file directly in it.
  function method Depth(key: Text, folder: Text): nat
    requires IsBelow(key, folder)
  {
    Slashes(if folder == [] then key else key[|folder| + 1..])
  }

  predicate method WithinDepth(key: Text, folder: Text, recursive: bool, deepest: Option<nat>)
    requires IsBelow(key, folder)
  {
    if !recursive then Depth(key, folder) == 0 else deepest.None? || Depth(key, folder) <= deepest.value
  }

  predicate Listed(tree: Tree, folder: Text, recursive: bool, deepest: Option<nat>, key: Text) {
    key in tree.files && IsBelow(key, folder) && WithinDepth(key, folder, recursive, deepest)
  }

  // The folders of a tree other than the root, real or suggested by a key.
  function method AllFolders(tree: Tree): set<Text> {
    tree.folders + (if tree.hierarchical then {} else
      (set k, a | k in tree.files && a in Above(k) :: a) + (set k, a | k in tree.folders && a in Above(k) :: a))
  }

  predicate IsChildFolder(tree: Tree, folder: Text, key: Text) {
    key in AllFolders(tree) && IsBelow(key, folder) && Depth(key, folder) == 0
  }

  predicate InOrder(names: seq<Text>) {
    forall i, j :: 0 <= i < j < |names| ==> Less(names[i], names[j])
  }

  method Sort(names: set<Text>) returns (sorted: seq<Text>)
    ensures InOrder(sorted)
    ensures forall n :: n in sorted <==> n in names
  {
    sorted := [];
    var left := names;
    while left != {}
      invariant left <= names
      invariant forall n :: n in sorted <==> n in names - left
      invariant InOrder(sorted)
      decreases left
    {
      var name :| name in left;
      sorted := Insert(sorted, name);
      left := left - {name};
    }
  }

  method Insert(sorted: seq<Text>, name: Text) returns (more: seq<Text>)
    requires InOrder(sorted) && name !in sorted
    ensures InOrder(more)
    ensures forall n :: n in more <==> n in sorted || n == name
  {
    var at := 0;
    while at < |sorted| && Less(sorted[at], name)
      invariant 0 <= at <= |sorted|
      invariant forall i :: 0 <= i < at ==> Less(sorted[i], name)
    {
      at := at + 1;
    }
    forall i | at <= i < |sorted| ensures Less(name, sorted[i]) {
      LessIsTotal(sorted[at], name);
      if i > at { LessIsTransitive(name, sorted[at], sorted[i]); }
    }
    more := sorted[..at] + [name] + sorted[at..];
    forall n ensures n in more <==> n in sorted || n == name {
      assert sorted == sorted[..at] + sorted[at..];
    }
    forall i, j | 0 <= i < j < |more| ensures Less(more[i], more[j]) {
      if i < at && j > at { LessIsTransitive(more[i], name, more[j]); }
    }
  }

  method ListFiles(tree: Tree, folder: Text, recursive: bool, deepest: Option<nat>) returns (names: seq<Text>)
    ensures forall k :: k in names ==> Listed(tree, folder, recursive, deepest, k)            //: LIST-01 LIST-04 LIST-07 SCOPE-01
    ensures forall k :: Listed(tree, folder, recursive, deepest, k) ==> k in names            //: LIST-01 LIST-08 LIST-15
    ensures InOrder(names)                                                                    //: LIST-02
  {
    names := Sort(set k | k in tree.files && IsBelow(k, folder) && WithinDepth(k, folder, recursive, deepest));
  }

  method ListFolders(tree: Tree, folder: Text) returns (names: seq<Text>)
    ensures forall n :: n in names ==> exists f :: IsChildFolder(tree, folder, f) && n == FolderName(f) //: LIST-10 LIST-04
    ensures forall f :: IsChildFolder(tree, folder, f) ==> FolderName(f) in names             //: LIST-10 FACT-08
    ensures InOrder(names)                                                                    //: LIST-02
  {
    var found := set f | f in AllFolders(tree) && IsBelow(f, folder) && Depth(f, folder) == 0 :: FolderName(f);
    names := Sort(found);
  }

  method ListChildren(tree: Tree, folder: Text) returns (names: seq<Text>)
    requires Valid(tree)
    ensures forall n :: n in names ==> Listed(tree, folder, false, None, n)
      || exists f :: IsChildFolder(tree, folder, f) && n == FolderName(f)                     //: LIST-11 LIST-04
    ensures forall k :: Listed(tree, folder, false, None, k) ==> k in names                   //: LIST-11
    ensures forall f :: IsChildFolder(tree, folder, f) ==> FolderName(f) in names             //: LIST-11
    ensures InOrder(names)                                                                    //: LIST-02
  {
    var files := set k | k in tree.files && IsBelow(k, folder) && Depth(k, folder) == 0;
    var found := set f | f in AllFolders(tree) && IsBelow(f, folder) && Depth(f, folder) == 0 :: FolderName(f);
    names := Sort(files + found);
  }

  // ---------------------------------------------------------------------------------------------- contracts

  // Why a folder sorts as its key with a slash behind: everything below it stands between it and what follows.
  lemma FolderNames(folder: Text, key: Text, other: Text)
    requires IsBelow(key, folder) && folder != [] && key != FolderName(folder)
    requires !IsBelow(other, folder) && other != FolderName(folder)
    ensures Less(FolderName(folder), key)                                                     //: LIST-02
    ensures Less(other, FolderName(folder)) || Less(key, other)                               //: LIST-02
  {
    var name := FolderName(folder);
    assert key == name + key[|name|..];
    assert name + [] == name;
    LessBehindSameStart(name, [], key[|name|..]);
    LessIsTotal(other, name);
    if Less(name, other) { BehindAPrefix(name, key[|name|..], other); }
  }

  lemma BehindAPrefix(start: Text, rest: Text, other: Text)
    requires Less(start, other) && !StartsWith(other, start)
    ensures Less(start + rest, other)
  {
    if start != [] && start[0] == other[0] {
      if StartsWith(other[1..], start[1..]) { assert other[..|start|] == [other[0]] + other[1..][..|start| - 1]; }
      BehindAPrefix(start[1..], rest, other[1..]);
      assert (start + rest)[1..] == start[1..] + rest;
    }
  }

  // An order in which each name stands once leaves one sequence only: what is listed is settled by the tree.
  lemma OneOrderOnly(one: seq<Text>, other: seq<Text>)
    requires InOrder(one) && InOrder(other)
    requires forall n :: n in one <==> n in other
    ensures one == other                                                                      //: LIST-02 LIST-08
    decreases |one|
  {
    if one == [] {
      if other != [] { assert other[0] in one; }
    } else {
      assert one[0] in other && other != [];
      assert other[0] in one;
      FirstIsLeast(one, other[0]);
      FirstIsLeast(other, one[0]);
      if one[0] != other[0] {
        LessIsTransitive(one[0], other[0], one[0]);
        LessIsStrict(one[0]);
      }
      forall n ensures n in one[1..] <==> n in other[1..] {
        BehindTheFirst(one, n);
        BehindTheFirst(other, n);
      }
      OneOrderOnly(one[1..], other[1..]);
      assert one == [one[0]] + one[1..] && other == [other[0]] + other[1..];
    }
  }

  lemma FirstIsLeast(names: seq<Text>, name: Text)
    requires InOrder(names) && name in names
    ensures names[0] == name || Less(names[0], name)
  {}

  lemma BehindTheFirst(names: seq<Text>, name: Text)
    requires InOrder(names) && names != []
    ensures name in names[1..] <==> name in names && name != names[0]
  {
    LessIsStrict(names[0]);
    assert names == [names[0]] + names[1..];
  }

  // A folder that is missing, and a file's path on a disk, list as nothing.
  lemma NothingBelow(tree: Tree, folder: Text, key: Text, recursive: bool, deepest: Option<nat>)
    requires Valid(tree) && !IsFolder(tree, folder)
    ensures !Listed(tree, folder, recursive, deepest, key)                                    //: LIST-03
    ensures !IsChildFolder(tree, folder, key)                                                 //: LIST-03
  {
    if key in tree.files && IsBelow(key, folder) { BelowIsAbove(key, folder); }
    if key in AllFolders(tree) && IsBelow(key, folder) {
      if tree.hierarchical {
        BelowIsAbove(key, folder);
      } else {
        if key !in tree.folders {
          var k :| (k in tree.files || k in tree.folders) && key in Above(k);
          AboveIsTransitive(k, key);
          AboveAPathArePaths(k);
          BelowIsAbove(key, folder);
          AboveIsTransitive(k, folder);
        }
      }
    }
  }

  lemma DepthZeroIsTheFolderItself(tree: Tree, folder: Text, key: Text)
    ensures Listed(tree, folder, true, Some(0), key) <==> Listed(tree, folder, false, None, key) //: LIST-07
    ensures Listed(tree, folder, true, None, key) <==> key in FilesBelow(tree, folder)        //: LIST-01 FACT-04
  {}

  // "a" never shows what is below "ab": what follows the folder's key is a slash.
  lemma SiblingsAreInvisible(tree: Tree, folder: Text, more: Text, key: Text, recursive: bool, deepest: Option<nat>)
    requires folder != [] && more != [] && more[0] != Slash
    requires key == folder + more
    ensures !Listed(tree, folder, recursive, deepest, key)                                    //: LIST-04 SCOPE-01
    ensures !IsChildFolder(tree, folder, key)                                                 //: LIST-04 SCOPE-01
  {
    assert key[|folder|] == more[0];
    if IsBelow(key, folder) { assert key[|folder|] == (folder + [Slash])[|folder|]; }
  }
}
