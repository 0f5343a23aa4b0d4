// Questions about what stands where, folders' sums, and deleting folders.

include "Files.dfy"

module Folders {
  import opened Texts
  import opened Keys
  import opened Trees
  import opened Files

  datatype FolderInfo = FolderInfo(count: nat, size: nat, newest: Option<nat>)

  predicate method Exists(tree: Tree, key: Text) {
    IsFile(tree, key) || IsFolder(tree, key)
  }

  function method FilesBelow(tree: Tree, folder: Text): set<Text> {
    set k | k in tree.files && IsBelow(k, folder)
  }

  predicate method IsEmpty(tree: Tree, folder: Text) {
    !HoldsSomething(tree, folder)
  }

  function method Without(tree: Tree, folder: Text): Tree {
    tree.(files := map k | k in tree.files && !IsBelow(k, folder) :: tree.files[k],
          folders := set f | f in tree.folders && f != folder && !IsBelow(f, folder))
  }

  function method DeleteFolder(tree: Tree, folder: Text, recursive: bool, missingOk: bool): Step<Done> {
    if folder == [] then Fail(tree, InvalidPath, folder)
    else if !IsFolder(tree, folder) then
      if missingOk then Step(tree, Ok(Done)) else Fail(tree, NotFound, folder)
    else if !recursive && !IsEmpty(tree, folder) then Fail(tree, DirectoryNotEmpty, folder)
    else Step(Without(tree, folder), Ok(Done))
  }

  // The sum over a set of files, in any order: SumOfParts says that the order does not matter.
  function Total(files: map<Text, File>, keys: set<Text>): nat
    requires keys <= files.Keys
    decreases keys
  {
    if keys == {} then 0 else
      var k :| k in keys;
      |files[k].content| + Total(files, keys - {k})
  }

  lemma TotalOfOneMore(files: map<Text, File>, keys: set<Text>, key: Text)
    requires keys <= files.Keys && key in keys
    ensures Total(files, keys) == |files[key].content| + Total(files, keys - {key})
    decreases keys
  {
    var k :| k in keys && Total(files, keys) == |files[k].content| + Total(files, keys - {k});
    if k != key {
      TotalOfOneMore(files, keys - {k}, key);
      TotalOfOneMore(files, keys - {key}, k);
      assert keys - {k} - {key} == keys - {key} - {k};
    }
  }

  method GetFolderInfo(tree: Tree, folder: Text) returns (answer: Result<FolderInfo>)
    ensures answer.Failed? <==> !IsFolder(tree, folder)                                       //: FACT-05
    ensures answer.Failed? ==> answer == Failed(NotFound, folder)                             //: FACT-05
    ensures answer.Ok? ==>
      && answer.value.count == |FilesBelow(tree, folder)|                                     //: FACT-04
      && answer.value.size == Total(tree.files, FilesBelow(tree, folder))                     //: FACT-04
      && (answer.value.newest.None? <==> FilesBelow(tree, folder) == {})                      //: FACT-04
      && (answer.value.newest.Some? ==>
            && (exists k :: k in FilesBelow(tree, folder) && tree.files[k].stamp == answer.value.newest.value)
            && forall k :: k in FilesBelow(tree, folder) ==>
                 tree.files[k].stamp <= answer.value.newest.value)                            //: FACT-04
  {
    if !IsFolder(tree, folder) { return Failed(NotFound, folder); }
    var below := FilesBelow(tree, folder);
    var left := below;
    var info := FolderInfo(0, 0, None);
    while left != {}
      invariant left <= below
      invariant info.count == |below| - |left|
      invariant info.size + Total(tree.files, left) == Total(tree.files, below)
      invariant info.newest.None? <==> left == below
      invariant info.newest.Some? ==>
        && (exists k :: k in below - left && tree.files[k].stamp == info.newest.value)
        && forall k :: k in below - left ==> tree.files[k].stamp <= info.newest.value
      decreases left
    {
      var k :| k in left;
      TotalOfOneMore(tree.files, left, k);
      var file := tree.files[k];
      var newest := if info.newest.Some? && info.newest.value > file.stamp then info.newest.value else file.stamp;
      var before := below - left;
      left := left - {k};
      assert below - left == before + {k};
      info := FolderInfo(info.count + 1, info.size + |file.content|, Some(newest));
    }
    return Ok(info);
  }

  // ---------------------------------------------------------------------------------------------- contracts

  lemma FactsContract(tree: Tree, key: Text, below: Text)
    requires Valid(tree)
    ensures Exists(tree, key) <==> IsFile(tree, key) || IsFolder(tree, key)                   //: FACT-01
    ensures IsFile(tree, key) <==> Read(tree, key).Ok?                                        //: FACT-01
    ensures tree.hierarchical && key != [] ==> !(IsFile(tree, key) && IsFolder(tree, key))    //: FACT-01 WRITE-11
    ensures IsFolder(tree, []) && !IsFile(tree, [])                                           //: FACT-06
    ensures below in tree.files && key in Above(below) ==> IsFolder(tree, key)                //: FACT-08
  {
    if below in tree.files && key in Above(below) { AboveIsTransitive(below, key); }
    if [] in tree.files { PathsEndWithoutSlash([]); }
  }

  lemma DeleteFolderContract(tree: Tree, folder: Text, recursive: bool, missingOk: bool)
    requires Valid(tree)
    ensures var s := DeleteFolder(tree, folder, recursive, missingOk);
      && (s.result.Failed? ==> s.tree == tree)                                                //: DEL-11 DEL-12 DEL-15
      && (folder == [] <==> s.result == Failed(InvalidPath, folder))                          //: DEL-13
      && (folder != [] && !IsFolder(tree, folder) ==>
          s.tree == tree && s.result == if missingOk then Ok(Done) else Failed(NotFound, folder)) //: DEL-12 DEL-15
      && (folder != [] && IsFolder(tree, folder) && !recursive && !IsEmpty(tree, folder)
          <==> s.result == Failed(DirectoryNotEmpty, folder))                                 //: DEL-11
      && (s.result.Ok? ==>
          && !IsFolder(s.tree, folder)                                                        //: DEL-10
          && FilesBelow(s.tree, folder) == {})                                                //: DEL-10
      && (forall k :: !IsBelow(k, folder) ==>
            (k in tree.files <==> k in s.tree.files)
            && (k in tree.files ==> s.tree.files[k] == tree.files[k]))                        //: DEL-10 DEL-15
      && (forall f :: f != folder && !IsBelow(f, folder) ==> (f in tree.folders <==> f in s.tree.folders)) //: DEL-10
      && (!recursive ==> s.tree.files == tree.files)                                          //: DEL-11
      && Valid(s.tree)                                                                        //: DEL-10
  {
    forall k | k in tree.files && folder != [] && IsBelow(k, folder) ensures IsFolder(tree, folder) {
      BelowIsAbove(k, folder);
    }
    var after := Without(tree, folder);
    forall k, a | (k in after.files || k in after.folders) && tree.hierarchical && a in Above(k)
      ensures a in after.folders
    {
      if a == folder { BelowIsAbove(k, folder); }
      if IsBelow(a, folder) {
        if folder != [] {
          BelowIsAbove(a, folder);
          AboveIsTransitive(k, a);
          BelowIsAbove(k, folder);
        }
      }
    }
  }

  // An empty folder stays on a disk; a flat one is gone with its last file, unless a marker keeps it.
  lemma FoldersOfTheLastFile(tree: Tree, key: Text, folder: Text)
    requires Valid(tree) && key in tree.files && folder in Above(key)
    requires FilesBelow(tree, folder) == {key}
    ensures tree.hierarchical ==> IsFolder(Delete(tree, key, false, None).tree, folder)       //: DEL-14
    ensures !tree.hierarchical && tree.folders == {} ==>
      !IsFolder(Delete(tree, key, false, None).tree, folder)                                  //: DEL-14
  {
    var after := Delete(tree, key, false, None).tree;
    AboveIsTransitive(key, folder);
    assert folder != [];
    forall k | k in after.files ensures !IsBelow(k, folder) {
      assert k in tree.files;
      if IsBelow(k, folder) { assert k in FilesBelow(tree, folder); }
    }
  }
}
