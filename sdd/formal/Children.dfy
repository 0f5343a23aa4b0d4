// Children: child(a).op(k) is op(a/k). A child behaves as a store of its own that holds what is below its folder,
// under keys relative to it; nothing outside can be seen, touched or named by it.

include "Listing.dfy"

module Children {
  import opened Texts
  import opened Keys
  import opened Trees
  import opened Files
  import opened Folders
  import opened Listing

  function method Full(root: Text, key: Text): Text {
    if root == [] then key else if key == [] then root else root + [Slash] + key
  }

  function method Cut(root: Text, full: Text): Text {
    if root == [] then full else if |full| > |root| then full[|root| + 1..] else []
  }

  // The paths that a child takes: what is a key by itself, and with the root before it is still a path.
  function method ParseIn(root: Text, text: Text): Parsed {
    if IsKey(text) && IsKey(Full(root, text)) then Key(text) else Refused
  }

  function method ParseFolderIn(root: Text, text: Text): Parsed {
    if text == [] then Key(text) else ParseIn(root, text)
  }

  function method Own<T>(root: Text, result: Result<T>): Result<T> {
    if result.Failed? then Failed(result.error, Cut(root, result.key)) else result
  }

  // What a child sees.
  function View(tree: Tree, root: Text): Tree {
    Tree(tree.hierarchical,
         map k | k in (set f | f in tree.files && IsBelow(f, root) :: Cut(root, f)) && k != []
                 && Full(root, k) in tree.files :: tree.files[Full(root, k)],
         set f | f in tree.folders && IsBelow(f, root) && Cut(root, f) != [] :: Cut(root, f),
         tree.clock)
  }

  // On a disk a child can write only where its folder can be made: no file stands there or above.
  predicate Standing(tree: Tree, root: Text) {
    tree.hierarchical ==> root !in tree.files && forall a :: a in Above(root) ==> a !in tree.files
  }

  lemma FullAndCut(root: Text, key: Text)
    requires key != []
    ensures Cut(root, Full(root, key)) == key && IsBelow(Full(root, key), root)               //: SCOPE-03
  {}

  lemma CutAndFull(root: Text, full: Text)
    requires IsBelow(full, root) && Cut(root, full) != []
    ensures Full(root, Cut(root, full)) == full                                               //: SCOPE-02
  {}

  lemma InView(tree: Tree, root: Text, key: Text)
    requires key != []
    ensures key in View(tree, root).files <==> Full(root, key) in tree.files                  //: SCOPE-02
    ensures key in View(tree, root).files ==>
      View(tree, root).files[key] == tree.files[Full(root, key)]                              //: SCOPE-02
    ensures key in View(tree, root).folders <==> Full(root, key) in tree.folders              //: SCOPE-02
  {
    FullAndCut(root, key);
    if key in View(tree, root).folders {
      var f :| f in tree.folders && IsBelow(f, root) && Cut(root, f) == key;
      CutAndFull(root, f);
    }
  }

  lemma ChildOfChild(one: Text, two: Text, key: Text)
    ensures Full(Full(one, two), key) == Full(one, Full(two, key))                            //: SCOPE-04
    ensures Full(one, []) == one                                                              //: SCOPE-04
  {
    if one != [] && two != [] && key != [] {
      assert one + [Slash] + two + [Slash] + key == one + [Slash] + (two + [Slash] + key);
    }
  }

  lemma BelowInView(root: Text, key: Text, folder: Text)
    requires key != []
    ensures IsBelow(Full(root, key), Full(root, folder)) <==> IsBelow(key, folder)            //: SCOPE-02
  {
    if root != [] && folder != [] {
      var start := root + [Slash];
      assert Full(root, key) == start + key && Full(root, folder) + [Slash] == start + (folder + [Slash]);
      if IsBelow(key, folder) {
        assert (start + key)[..|start| + |folder| + 1] == start + key[..|folder| + 1];
      }
      if IsBelow(Full(root, key), Full(root, folder)) {
        assert key[..|folder| + 1] == (start + key)[|start|..|start| + |folder| + 1];
        assert folder + [Slash] == (start + (folder + [Slash]))[|start|..];
      }
    }
  }

  lemma AboveInView(root: Text, key: Text, a: Text)
    requires key != [] && a != []
    requires key[0] != Slash
    ensures Full(root, a) in Above(Full(root, key)) <==> a in Above(key)
  {
    if root != [] {
      var start := root + [Slash];
      var full := start + key;
      assert Full(root, key) == full && Full(root, a) == start + a;
      if a in Above(key) {
        var i :| 0 < i < |key| && key[i] == Slash && key[..i] == a;
        assert full[|start| + i] == Slash && full[..|start| + i] == start + a;
      }
      if start + a in Above(full) {
        var i :| 0 < i < |full| && full[i] == Slash && full[..i] == start + a;
        assert i == |start| + |a|;
        assert key[|a|] == Slash && key[..|a|] == a by { assert key == full[|start|..]; assert a == (start + a)[|start|..]; }
      }
    }
  }

  // What stands above a child's file is above the child's root, that root, or above the file within the child.
  lemma AboveOfFull(root: Text, key: Text, a: Text)
    requires root != [] && key != [] && key[0] != Slash
    requires a in Above(Full(root, key))
    ensures a == root || a in Above(root) || (exists b :: b != [] && b in Above(key) && a == Full(root, b))
  {
    var start := root + [Slash];
    var full := start + key;
    assert Full(root, key) == full;
    var i :| 0 < i < |full| && full[i] == Slash && full[..i] == a;
    if i < |root| {
      assert root[..i] == a && root[i] == Slash;
    } else if i == |root| {
      assert a == root;
    } else {
      var b := key[..i - |start|];
      assert key == full[|start|..];
      assert i > |start|;
      assert key[i - |start|] == Slash;
      assert a == start + b;
      assert b != [] && b in Above(key);
    }
  }

  lemma FitsInView(tree: Tree, root: Text, key: Text)
    requires Valid(tree) && Standing(tree, root) && IsKey(key)
    ensures Fits(tree, Full(root, key)) <==> Fits(View(tree, root), key)
  {
    PathsEndWithoutSlash(key);
    InView(tree, root, key);
    var view := View(tree, root);
    if tree.hierarchical {
      forall a | a in Above(key) && a in view.files ensures Full(root, a) in Above(Full(root, key)) {
        AboveInView(root, key, a);
      }
      if root != [] {
        forall a | a in Above(Full(root, key)) && a in tree.files
          ensures exists b :: b in Above(key) && b in view.files
        {
          AboveOfFull(root, key, a);
          var b :| b != [] && b in Above(key) && a == Full(root, b);
          InView(tree, root, b);
        }
      }
    }
  }

  // ---------------------------------------------------------------------------------------------- contracts

  lemma ViewIsTheSameTree(one: Tree, other: Tree, root: Text)
    requires one.hierarchical == other.hierarchical && one.clock == other.clock
    requires forall k :: k != [] ==> (Full(root, k) in one.files <==> k in other.files)
      && (k in other.files ==> one.files[Full(root, k)] == other.files[k])
    requires forall k :: k != [] ==> (Full(root, k) in one.folders <==> k in other.folders)
    requires [] !in other.files && [] !in other.folders
    ensures View(one, root) == other
  {
    var view := View(one, root);
    forall k ensures k in view.files <==> k in other.files {
      if k != [] { InView(one, root, k); }
    }
    forall k | k in view.files ensures view.files[k] == other.files[k] { InView(one, root, k); }
    forall k ensures k in view.folders <==> k in other.folders {
      if k != [] { InView(one, root, k); }
    }
    assert view.files == other.files;
    assert view.folders == other.folders;
  }

  lemma ReadThroughChild(tree: Tree, root: Text, key: Text, offset: nat, length: Option<nat>)
    requires key != []
    ensures Own(root, Read(tree, Full(root, key))) == Read(View(tree, root), key)             //: SCOPE-02 SCOPE-03
    ensures Own(root, ReadRange(tree, Full(root, key), offset, length))
      == ReadRange(View(tree, root), key, offset, length)                                     //: SCOPE-02 SCOPE-03
  {
    InView(tree, root, key);
    FullAndCut(root, key);
  }

  lemma WriteThroughChild(tree: Tree, root: Text, key: Text, content: seq<Byte>, labels: Text, overwrite: bool,
                          ifMatch: Option<nat>)
    requires Valid(tree) && Standing(tree, root) && IsKey(key)
    ensures var s := Write(tree, Full(root, key), content, labels, overwrite, ifMatch);
      var v := Write(View(tree, root), key, content, labels, overwrite, ifMatch);
      && View(s.tree, root) == v.tree                                                         //: SCOPE-02
      && Own(root, s.result) == v.result                                                      //: SCOPE-03
      && SameExcept(tree, s.tree, {Full(root, key)})                                          //: SCOPE-01
  {
    PathsEndWithoutSlash(key);
    FullAndCut(root, key);
    InView(tree, root, key);
    FitsInView(tree, root, key);
    var s := Write(tree, Full(root, key), content, labels, overwrite, ifMatch);
    if s.result.Ok? { PutThroughChild(tree, root, key, content, labels); }
  }

  lemma PutThroughChild(tree: Tree, root: Text, key: Text, content: seq<Byte>, labels: Text)
    requires IsKey(key)
    ensures View(Put(tree, Full(root, key), content, labels), root) == Put(View(tree, root), key, content, labels)
  {
    PathsEndWithoutSlash(key);
    var after, other := Put(tree, Full(root, key), content, labels), Put(View(tree, root), key, content, labels);
    forall k | k != []
      ensures Full(root, k) in after.files <==> k in other.files
      ensures k in other.files ==> after.files[Full(root, k)] == other.files[k]
      ensures Full(root, k) in after.folders <==> k in other.folders
    {
      InView(tree, root, k);
      FullAndCut(root, k);
      FullAndCut(root, key);
      AboveInView(root, key, k);
    }
    ViewIsTheSameTree(after, other, root);
  }

  lemma RemoveThroughChild(tree: Tree, root: Text, key: Text)
    requires key != []
    ensures View(Remove(tree, Full(root, key)), root) == Remove(View(tree, root), key)
  {
    var after, other := Remove(tree, Full(root, key)), Remove(View(tree, root), key);
    forall k | k != []
      ensures Full(root, k) in after.files <==> k in other.files
      ensures k in other.files ==> after.files[Full(root, k)] == other.files[k]
      ensures Full(root, k) in after.folders <==> k in other.folders
    {
      InView(tree, root, k);
      FullAndCut(root, k);
      FullAndCut(root, key);
    }
    ViewIsTheSameTree(after, other, root);
  }

  lemma DeleteThroughChild(tree: Tree, root: Text, key: Text, missingOk: bool, ifMatch: Option<nat>)
    requires key != []
    ensures var s := Delete(tree, Full(root, key), missingOk, ifMatch);
      var v := Delete(View(tree, root), key, missingOk, ifMatch);
      && View(s.tree, root) == v.tree                                                         //: SCOPE-02
      && Own(root, s.result) == v.result                                                      //: SCOPE-03
  {
    InView(tree, root, key);
    FullAndCut(root, key);
    RemoveThroughChild(tree, root, key);
  }

  lemma MoveThroughChild(tree: Tree, root: Text, source: Text, target: Text, overwrite: bool)
    requires Valid(tree) && Standing(tree, root) && IsKey(target) && source != []
    ensures var c := Copy(tree, Full(root, source), Full(root, target), overwrite);
      var v := Copy(View(tree, root), source, target, overwrite);
      View(c.tree, root) == v.tree && Own(root, c.result) == v.result                         //: SCOPE-02 SCOPE-03
    ensures var m := Move(tree, Full(root, source), Full(root, target), overwrite);
      var v := Move(View(tree, root), source, target, overwrite);
      View(m.tree, root) == v.tree && Own(root, m.result) == v.result                         //: SCOPE-02 SCOPE-03
  {
    PathsEndWithoutSlash(target);
    InView(tree, root, source);
    InView(tree, root, target);
    FullAndCut(root, source);
    FullAndCut(root, target);
    FitsInView(tree, root, target);
    if source != target && Full(root, source) in tree.files {
      var file := tree.files[Full(root, source)];
      PutThroughChild(tree, root, target, file.content, file.labels);
      RemoveThroughChild(Put(tree, Full(root, target), file.content, file.labels), root, source);
    }
  }
}
