// The model as a program: what a store answers, path by path as callers give them. Compiled to JavaScript it is what
// the tests compare every backend with. It begins with Empty; each method keeps the tree valid.

include "Globs.dfy"

module Oracle {
  import opened Texts
  import opened Keys
  import opened Trees
  import opened Files
  import opened Folders
  import opened Listing
  import opened Children
  import opened Scopes
  import opened Globs

  method New(hierarchical: bool) returns (tree: Tree)
    ensures Valid(tree) && tree.files == map[]
  {
    tree := Empty(hierarchical);
    EmptyIsValid(hierarchical);
  }

  // A marker that another tool leaves in a flat store.
  method DoMark(tree: Tree, path: Text) returns (marked: Tree)
    requires Valid(tree) && !tree.hierarchical
    ensures Valid(marked) && (IsKey(path) ==> IsFolder(marked, path)) && marked.files == tree.files
  {
    if !IsKey(path) { return tree; }
    MarkIsValid(tree, path);
    return Mark(tree, path);
  }

  method Child(root: Text, path: Text) returns (answer: Result<Text>)
    ensures ParseFolderIn(root, path).Refused? ==> answer == Failed(InvalidPath, path)        //: KEY-09
    ensures ParseFolderIn(root, path).Key? ==> answer == Ok(Full(root, path))                 //: SCOPE-02
  {
    if ParseFolderIn(root, path).Refused? { return Failed(InvalidPath, path); }
    return Ok(Full(root, path));
  }

  method DoWrite(tree: Tree, root: Text, path: Text, content: seq<Byte>, labels: Text, overwrite: bool,
                 ifMatch: Option<nat>) returns (s: Step<File>)
    requires Valid(tree)
    ensures Valid(s.tree)
    ensures ParseIn(root, path).Refused? ==> s == Fail(tree, InvalidPath, path)               //: KEY-09 KEY-12
    ensures ParseIn(root, path).Key? ==>
      var full := Write(tree, Full(root, path), content, labels, overwrite, ifMatch);
      s.tree == full.tree && s.result == Own(root, full.result)                               //: SCOPE-02 SCOPE-03
  {
    if ParseIn(root, path).Refused? { return Fail(tree, InvalidPath, path); }
    WriteContract(tree, Full(root, path), content, labels, overwrite, ifMatch);
    s := Write(tree, Full(root, path), content, labels, overwrite, ifMatch);
    s := Step(s.tree, Own(root, s.result));
  }

  method DoRead(tree: Tree, root: Text, path: Text) returns (answer: Result<File>)
    ensures ParseIn(root, path).Refused? ==> answer == Failed(InvalidPath, path)              //: KEY-09 KEY-12
    ensures ParseIn(root, path).Key? ==> answer == Own(root, Read(tree, Full(root, path)))    //: SCOPE-02 SCOPE-03
  {
    if ParseIn(root, path).Refused? { return Failed(InvalidPath, path); }
    return Own(root, Read(tree, Full(root, path)));
  }

  method DoReadRange(tree: Tree, root: Text, path: Text, offset: nat, length: Option<nat>)
    returns (answer: Result<seq<Byte>>)
    ensures ParseIn(root, path).Refused? ==> answer == Failed(InvalidPath, path)              //: KEY-09 KEY-12
    ensures ParseIn(root, path).Key? ==>
      answer == Own(root, ReadRange(tree, Full(root, path), offset, length))                  //: SCOPE-02 RANGE-01
  {
    if ParseIn(root, path).Refused? { return Failed(InvalidPath, path); }
    return Own(root, ReadRange(tree, Full(root, path), offset, length));
  }

  method DoDelete(tree: Tree, root: Text, path: Text, missingOk: bool, ifMatch: Option<nat>) returns (s: Step<Done>)
    requires Valid(tree)
    ensures Valid(s.tree)
    ensures ParseIn(root, path).Refused? ==> s == Fail(tree, InvalidPath, path)               //: KEY-09 KEY-12
    ensures ParseIn(root, path).Key? ==>
      var full := Delete(tree, Full(root, path), missingOk, ifMatch);
      s.tree == full.tree && s.result == Own(root, full.result)                               //: SCOPE-02 SCOPE-03
  {
    if ParseIn(root, path).Refused? { return Fail(tree, InvalidPath, path); }
    DeleteContract(tree, Full(root, path), missingOk, ifMatch);
    s := Delete(tree, Full(root, path), missingOk, ifMatch);
    s := Step(s.tree, Own(root, s.result));
  }

  // An invalid path among many raises before any is deleted.
  method DoDeleteMany(tree: Tree, root: Text, paths: seq<Text>) returns (s: Step<Done>)
    requires Valid(tree)
    ensures Valid(s.tree)
    ensures (exists i :: 0 <= i < |paths| && ParseIn(root, paths[i]).Refused?) ==>
      s.tree == tree && s.result.Failed? && s.result.error == InvalidPath                     //: DEL-05
    ensures (forall i :: 0 <= i < |paths| ==> ParseIn(root, paths[i]).Key?) ==>
      s.result == Ok(Done) && forall i :: 0 <= i < |paths| ==> Full(root, paths[i]) !in s.tree.files //: DEL-04
  {
    var keys: seq<Text> := [];
    var i := 0;
    while i < |paths|
      invariant 0 <= i <= |paths| && |keys| == i
      invariant forall j :: 0 <= j < i ==> ParseIn(root, paths[j]).Key? && keys[j] == Full(root, paths[j])
    {
      if ParseIn(root, paths[i]).Refused? { return Fail(tree, InvalidPath, paths[i]); }
      keys := keys + [Full(root, paths[i])];
      i := i + 1;
    }
    DeleteManyContract(tree, keys);
    s := Step(DeleteMany(tree, keys), Ok(Done));
    forall j | 0 <= j < |paths| ensures Full(root, paths[j]) !in s.tree.files { assert keys[j] in keys; }
  }

  method DoCopyOrMove(tree: Tree, root: Text, source: Text, target: Text, overwrite: bool, move: bool)
    returns (s: Step<Done>)
    requires Valid(tree)
    ensures Valid(s.tree)
    ensures ParseIn(root, source).Refused? ==> s == Fail(tree, InvalidPath, source)           //: KEY-09 KEY-12
    ensures ParseIn(root, source).Key? && ParseIn(root, target).Refused? ==> s == Fail(tree, InvalidPath, target) //: KEY-09
    ensures ParseIn(root, source).Key? && ParseIn(root, target).Key? ==>
      var full := if move then Move(tree, Full(root, source), Full(root, target), overwrite)
                  else Copy(tree, Full(root, source), Full(root, target), overwrite);
      s.tree == full.tree && s.result == Own(root, full.result)                               //: SCOPE-02 SCOPE-03
  {
    if ParseIn(root, source).Refused? { return Fail(tree, InvalidPath, source); }
    if ParseIn(root, target).Refused? { return Fail(tree, InvalidPath, target); }
    CopyContract(tree, Full(root, source), Full(root, target), overwrite);
    MoveContract(tree, Full(root, source), Full(root, target), overwrite);
    if move {
      s := Move(tree, Full(root, source), Full(root, target), overwrite);
    } else {
      s := Copy(tree, Full(root, source), Full(root, target), overwrite);
    }
    s := Step(s.tree, Own(root, s.result));
  }

  method DoDeleteFolder(tree: Tree, root: Text, path: Text, recursive: bool, missingOk: bool) returns (s: Step<Done>)
    requires Valid(tree)
    ensures Valid(s.tree)
    ensures ParseFolderIn(root, path).Refused? ==> s == Fail(tree, InvalidPath, path)         //: KEY-09
    ensures ParseFolderIn(root, path).Key? ==> s == DeleteFolderIn(tree, root, path, recursive, missingOk) //: DEL-10 DEL-13 SCOPE-02
  {
    if ParseFolderIn(root, path).Refused? { return Fail(tree, InvalidPath, path); }
    DeleteFolderContract(tree, Full(root, path), recursive, missingOk);
    return DeleteFolderIn(tree, root, path, recursive, missingOk);
  }

  // exists, is_file, is_folder
  method DoAsk(tree: Tree, root: Text, path: Text) returns (answer: Result<(bool, bool)>)
    ensures ParseFolderIn(root, path).Refused? ==> answer == Failed(InvalidPath, path)        //: KEY-09
    ensures ParseFolderIn(root, path).Key? ==> answer.Ok?
      && (answer.value.0 <==> path != [] && IsFile(tree, Full(root, path)))                   //: FACT-01 FACT-06
      && (answer.value.1 <==> path == [] || IsFolder(tree, Full(root, path)))                 //: FACT-01 FACT-06
      && (answer.value.0 || answer.value.1 <==> ExistsIn(tree, root, path))                   //: FACT-01
  {
    if ParseFolderIn(root, path).Refused? { return Failed(InvalidPath, path); }
    return Ok((path != [] && IsFile(tree, Full(root, path)), path == [] || IsFolder(tree, Full(root, path))));
  }

  method DoFolderInfo(tree: Tree, root: Text, path: Text) returns (answer: Result<FolderInfo>)
    requires Valid(tree)
    ensures ParseFolderIn(root, path).Refused? ==> answer == Failed(InvalidPath, path)        //: KEY-09
    ensures answer.Ok? ==> answer.value.count == |FilesBelow(tree, Full(root, path))|         //: FACT-04
  {
    if ParseFolderIn(root, path).Refused? { return Failed(InvalidPath, path); }
    answer := GetFolderInfoIn(tree, root, path);
  }

  datatype Kind = FilesOnly | FoldersOnly | Both

  method DoList(tree: Tree, root: Text, path: Text, kind: Kind, recursive: bool, deepest: Option<nat>,
                pattern: Option<Text>) returns (answer: Result<seq<Text>>)
    requires Valid(tree)
    ensures ParseFolderIn(root, path).Refused? ==> answer == Failed(InvalidPath, path)        //: KEY-09
    ensures answer.Ok? ==> InOrder(answer.value)                                              //: LIST-02
    ensures answer.Ok? && kind == FilesOnly && pattern.None? ==> forall k :: k != [] ==>
      (k in answer.value <==> Listed(tree, Full(root, path), recursive, deepest, Full(root, k))) //: LIST-01 LIST-07 SCOPE-02
  {
    if ParseFolderIn(root, path).Refused? { return Failed(InvalidPath, path); }
    var folder := Full(root, path);
    var names: seq<Text>;
    if kind == FoldersOnly {
      names := ListFolders(tree, folder);
    } else if kind == Both {
      names := ListChildren(tree, folder);
    } else if pattern.None? {
      names := ListFiles(tree, folder, recursive, deepest);
      forall k | k in names ensures Cut(root, k) != [] && Full(root, Cut(root, k)) == k {
        EveryListedFileIsTheChilds(tree, root, path, recursive, deepest, k);
      }
    } else {
      if !IsPattern(pattern.value) { return Failed(BadPattern, path); }
      names := ListMatching(tree, folder, recursive, deepest, pattern.value);
    }
    var own := CutAll(root, names);
    answer := Ok(own);
    if kind == FilesOnly && pattern.None? {
      forall k | k != [] ensures k in own <==> Full(root, k) in names {
        FullAndCut(root, k);
      }
    }
  }

  method DoGlob(tree: Tree, root: Text, pattern: Text) returns (answer: Result<seq<Text>>)
    requires Valid(tree)
    ensures ParseFolderIn(root, FixedFolder(pattern)).Refused? <==> answer == Failed(InvalidPath, FixedFolder(pattern)) //: KEY-09
    ensures ParseFolderIn(root, FixedFolder(pattern)).Key? ==> (answer.Failed? <==> !IsGlob(pattern)) //: GLOB-02
    ensures answer.Ok? ==> InOrder(answer.value)                                              //: GLOB-01
  {
    var folder := FixedFolder(pattern);
    if ParseFolderIn(root, folder).Refused? { return Failed(InvalidPath, folder); }
    if !IsGlob(pattern) { return Failed(BadPattern, []); }
    var names := Glob(tree, root, pattern);
    var own := CutAll(root, names);
    answer := Ok(own);
  }

  // The names under the child's keys; cutting the same root off all keeps their order.
  method CutAll(root: Text, names: seq<Text>) returns (own: seq<Text>)
    requires InOrder(names)
    ensures |own| <= |names|
    ensures InOrder(own)                                                                      //: LIST-02 SCOPE-03
    ensures forall n :: n in own <==> exists m :: m in names && IsBelow(m, root) && Cut(root, m) == n //: SCOPE-03
  {
    own := [];
    var i := 0;
    while i < |names|
      invariant 0 <= i <= |names| && |own| <= i
      invariant forall n :: n in own <==> exists j :: 0 <= j < i && IsBelow(names[j], root) && Cut(root, names[j]) == n
      invariant InOrder(own)
    {
      if IsBelow(names[i], root) {
        var name := Cut(root, names[i]);
        forall k | 0 <= k < |own| ensures Less(own[k], name) {
          assert own[k] in own;
          var j :| 0 <= j < i && IsBelow(names[j], root) && Cut(root, names[j]) == own[k];
          if root != [] {
            LessBehindSameStart(root + [Slash], own[k], name);
            assert names[j] == root + [Slash] + own[k] && names[i] == root + [Slash] + name;
          }
        }
        own := own + [name];
      }
      i := i + 1;
    }
  }
}
