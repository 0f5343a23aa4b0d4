// The rest of a child's contract: its folders, its listings, and where its paths differ from those of its parent.

include "Children.dfy"

module Scopes {
  import opened Texts
  import opened Keys
  import opened Trees
  import opened Files
  import opened Folders
  import opened Listing
  import opened Children

  // A child's own root always stands, and is never deleted; all else is the parent's answer about the full key.
  predicate method ExistsIn(tree: Tree, root: Text, key: Text) {
    key == [] || Exists(tree, Full(root, key))
  }

  function method DeleteFolderIn(tree: Tree, root: Text, key: Text, recursive: bool, missingOk: bool): Step<Done> {
    if key == [] then Fail(tree, InvalidPath, [])
    else
      var s := DeleteFolder(tree, Full(root, key), recursive, missingOk);
      Step(s.tree, Own(root, s.result))
  }

  method GetFolderInfoIn(tree: Tree, root: Text, key: Text) returns (answer: Result<FolderInfo>)
    requires Valid(tree)
    ensures key == [] ==> answer.Ok?                                                          //: FACT-06
    ensures answer.Failed? ==> answer == Failed(NotFound, key) && !IsFolder(tree, Full(root, key)) //: SCOPE-03 FACT-05
    ensures answer.Ok? ==> answer.value.count == |FilesBelow(tree, Full(root, key))|          //: FACT-04 SCOPE-02
    ensures answer.Ok? ==>
      answer.value.size == Total(tree.files, FilesBelow(tree, Full(root, key)))               //: FACT-04 SCOPE-02
  {
    answer := GetFolderInfo(tree, Full(root, key));
    if answer.Failed? && key == [] {
      NothingIn(tree, root);
      answer := Ok(FolderInfo(0, 0, None));   // a child may be made of a folder that does not exist
    } else if answer.Failed? {
      FullAndCut(root, key);
      answer := Failed(answer.error, Cut(root, answer.key));
    }
  }

  lemma NothingIn(tree: Tree, folder: Text)
    requires Valid(tree)
    ensures !IsFolder(tree, folder) ==> FilesBelow(tree, folder) == {}                        //: LIST-03
  {
    forall k | k in tree.files && IsBelow(k, folder) ensures IsFolder(tree, folder) {
      if folder != [] { BelowIsAbove(k, folder); }
    }
  }

  // ---------------------------------------------------------------------------------------------- contracts

  lemma FolderInView(tree: Tree, root: Text, key: Text)
    requires key != [] && key[0] != Slash
    ensures IsFolder(tree, Full(root, key)) <==> IsFolder(View(tree, root), key)              //: SCOPE-02 SCOPE-06
    ensures ExistsIn(tree, root, key) <==> Exists(View(tree, root), key)                      //: SCOPE-02
    ensures ExistsIn(tree, root, [])                                                          //: FACT-06 SCOPE-06
  {
    InView(tree, root, key);
    EmptyInView(tree, root, key);
  }

  lemma BelowTwo(key: Text, root: Text, folder: Text)
    requires folder != [] && IsBelow(key, Full(root, folder))
    ensures IsBelow(key, root) && Cut(root, key) != []
  {
    if root != [] {
      var start := root + [Slash];
      assert key[..|start|] == (Full(root, folder) + [Slash])[..|start|];
    }
  }

  lemma DeleteFolderThroughChild(tree: Tree, root: Text, key: Text, recursive: bool, missingOk: bool)
    requires key != [] && key[0] != Slash
    ensures var s := DeleteFolderIn(tree, root, key, recursive, missingOk);
      var v := DeleteFolder(View(tree, root), key, recursive, missingOk);
      && View(s.tree, root) == v.tree                                                         //: SCOPE-02
      && s.result == v.result                                                                 //: SCOPE-03
      && (forall k :: !IsBelow(k, Full(root, key)) ==>
            (k in tree.files <==> k in s.tree.files)
            && (k in tree.files ==> s.tree.files[k] == tree.files[k]))                        //: SCOPE-01
    ensures DeleteFolderIn(tree, root, [], recursive, missingOk) == Fail(tree, InvalidPath, []) //: DEL-13
  {
    FolderInView(tree, root, key);
    FullAndCut(root, key);
    EmptyInView(tree, root, key);
    var after, other := Without(tree, Full(root, key)), Without(View(tree, root), key);
    forall k | k != []
      ensures Full(root, k) in after.files <==> k in other.files
      ensures k in other.files ==> after.files[Full(root, k)] == other.files[k]
      ensures Full(root, k) in after.folders <==> k in other.folders
    {
      InView(tree, root, k);
      BelowInView(root, k, key);
      FullAndCut(root, k);
    }
    ViewIsTheSameTree(after, other, root);
  }

  lemma EmptyInView(tree: Tree, root: Text, key: Text)
    requires key != []
    ensures IsEmpty(tree, Full(root, key)) <==> IsEmpty(View(tree, root), key)
  {
    var view := View(tree, root);
    forall k | k in view.files && IsBelow(k, key)
      ensures Full(root, k) in tree.files && IsBelow(Full(root, k), Full(root, key))
    {
      InView(tree, root, k);
      BelowInView(root, k, key);
    }
    forall k | k in view.folders && IsBelow(k, key)
      ensures Full(root, k) in tree.folders && IsBelow(Full(root, k), Full(root, key))
    {
      InView(tree, root, k);
      BelowInView(root, k, key);
    }
    forall k | k in tree.files && IsBelow(k, Full(root, key))
      ensures Cut(root, k) in view.files && IsBelow(Cut(root, k), key)
    {
      CutOfBelow(tree, root, k, key);
    }
    forall k | k in tree.folders && IsBelow(k, Full(root, key))
      ensures Cut(root, k) in view.folders && IsBelow(Cut(root, k), key)
    {
      CutOfBelow(tree, root, k, key);
    }
  }

  lemma CutOfBelow(tree: Tree, root: Text, full: Text, key: Text)
    requires key != [] && IsBelow(full, Full(root, key))
    ensures IsBelow(Cut(root, full), key)
    ensures full in tree.files ==> Cut(root, full) in View(tree, root).files
    ensures full in tree.folders ==> Cut(root, full) in View(tree, root).folders
  {
    BelowTwo(full, root, key);
    CutAndFull(root, full);
    InView(tree, root, Cut(root, full));
    BelowInView(root, Cut(root, full), key);
  }

  // A child's listing is its parent's, cut; and by LessBehindSameStart in the same order.
  lemma ListedThroughChild(tree: Tree, root: Text, folder: Text, recursive: bool, deepest: Option<nat>, key: Text)
    requires key != []
    ensures Listed(tree, Full(root, folder), recursive, deepest, Full(root, key))
      <==> Listed(View(tree, root), folder, recursive, deepest, key)                          //: SCOPE-02 LIST-05
  {
    InView(tree, root, key);
    BelowInView(root, key, folder);
    if IsBelow(key, folder) {
      var start := |Full(root, folder)|;
      if root != [] && folder != [] {
        assert Full(root, key)[start + 1..] == key[|folder| + 1..];
      } else if root != [] {
        assert Full(root, key)[start + 1..] == key;
      }
    }
  }

  lemma EveryListedFileIsTheChilds(tree: Tree, root: Text, folder: Text, recursive: bool, deepest: Option<nat>, full: Text)
    requires Valid(tree) && Listed(tree, Full(root, folder), recursive, deepest, full)
    ensures Cut(root, full) != [] && Full(root, Cut(root, full)) == full                      //: SCOPE-02 LIST-05
    ensures ParseIn(root, Cut(root, full)) == Key(Cut(root, full))                            //: LIST-05 SCOPE-02
  {
    PathsEndWithoutSlash(full);
    if folder != [] {
      BelowTwo(full, root, folder);
    } else if root != [] {
      assert full[|root|] == (root + [Slash])[|root|];
      if |full| == |root| + 1 { assert full[|full| - 1] == Slash; }
    }
    CutAndFull(root, full);
    RestOfAKey(root, Cut(root, full));
  }

  lemma RestOfAKey(root: Text, key: Text)
    requires key != [] && IsKey(Full(root, key))
    ensures IsKey(key)                                                                        //: SCOPE-02
  {
    if root != [] {
      SplitAtSlash(root, key);
      SizeOfTwo(root + [Slash], key);
      forall s | s in Split(key) ensures IsSegment(s) { assert s in Split(Full(root, key)); }
    }
  }

  // Whatever the parent knows below a folder, the child of that folder names by what is left, and nothing else.
  lemma KeysOfAChild(root: Text, key: Text)
    requires IsKey(root) && key != []
    ensures IsKey(Full(root, key)) <==> ParseIn(root, key) == Key(key)                        //: SCOPE-02 KEY-09
    ensures ParseIn(root, key).Key? ==> Size(root) + 1 + Size(key) <= LongestKey              //: KEY-08
  {
    if IsKey(Full(root, key)) { RestOfAKey(root, key); }
    SizeOfTwo(root + [Slash], key);
    SizeOfTwo(root, [Slash]);
    SizeOfOne(Slash);
  }
}
