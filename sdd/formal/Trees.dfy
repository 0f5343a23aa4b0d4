// The store as users see it: a map from keys to files, and the folders above them.
//
// A hierarchical service (a disk, SFTP) keeps folders by themselves, and no name is both file and folder. A flat one
// (S3) keeps files only: its folders are what the slashes in the keys suggest, and "a" may stand beside "a/b". Other
// tools leave markers there, empty objects named "a/", which keep a folder alive; `folders` holds those.

include "Keys.dfy"

module Trees {
  import opened Texts
  import opened Keys

  newtype Byte = x: int | 0 <= x < 256

  datatype Option<T> = None | Some(value: T)

  // `labels` stands for metadata and content type; `stamp` names the version: the etag, and the time of change.
  datatype File = File(content: seq<Byte>, labels: Text, stamp: nat)

  // `clock` is the newest stamp given so far.
  datatype Tree = Tree(hierarchical: bool, files: map<Text, File>, folders: set<Text>, clock: nat)

  datatype Error = NotFound | AlreadyExists | InvalidPath | DirectoryNotEmpty | PreconditionFailed | BadPattern
  datatype Result<T> = Ok(value: T) | Failed(error: Error, key: Text)   // the key that the error names
  datatype Done = Done

  // An operation: the tree afterwards, and what the caller gets.
  datatype Step<T> = Step(tree: Tree, result: Result<T>)

  predicate method IsBelow(key: Text, folder: Text) {
    key != [] && (folder == [] || StartsWith(key, folder + [Slash]))
  }

  // The folders above a key, without the root: of "a/b/c" these are "a" and "a/b".
  function method Above(key: Text): set<Text> {
    set i | 0 < i < |key| && key[i] == Slash :: key[..i]
  }

  predicate method IsFolder(tree: Tree, key: Text) {
    key == [] || key in tree.folders || (!tree.hierarchical && HoldsSomething(tree, key))
  }

  predicate method HoldsSomething(tree: Tree, key: Text) {
    (exists k :: k in tree.files && IsBelow(k, key)) || exists f :: f in tree.folders && IsBelow(f, key)
  }

  predicate method IsFile(tree: Tree, key: Text) {
    key in tree.files
  }

  // A file may be written here: no folder of this name, no file where a folder is needed. Flat services never mind.
  predicate method Fits(tree: Tree, key: Text) {
    tree.hierarchical ==> key !in tree.folders && forall a :: a in Above(key) ==> a !in tree.files
  }

  predicate Valid(tree: Tree) {
    && (forall k :: k in tree.files ==> IsKey(k) && tree.files[k].stamp <= tree.clock)
    && (forall f :: f in tree.folders ==> IsKey(f))
    && (tree.hierarchical ==> tree.folders !! tree.files.Keys)
    && (tree.hierarchical ==> forall k :: k in tree.files || k in tree.folders ==> Above(k) <= tree.folders)
  }

  function method Empty(hierarchical: bool): Tree {
    Tree(hierarchical, map[], {}, 0)
  }

  // A new version of one file, with the folders that it needs.
  function method Put(tree: Tree, key: Text, content: seq<Byte>, labels: Text): Tree {
    var stamp := tree.clock + 1;
    var folders := if tree.hierarchical then tree.folders + Above(key) else tree.folders;
    Tree(tree.hierarchical, tree.files[key := File(content, labels, stamp)], folders, stamp)
  }

  function method Remove(tree: Tree, key: Text): Tree {
    tree.(files := map k | k in tree.files && k != key :: tree.files[k])
  }

  // THE FRAME: every key that is not named has what it had, bytes, labels and version.
  predicate SameExcept(before: Tree, after: Tree, keys: set<Text>) {
    && before.hierarchical == after.hierarchical
    && forall k :: k !in keys ==>
         (k in before.files <==> k in after.files) && (k in before.files ==> before.files[k] == after.files[k])
  }

  // Folders that were there are there; new ones stand above the key only.
  predicate FoldersGrowAbove(before: Tree, after: Tree, key: Text) {
    before.folders <= after.folders <= before.folders + Above(key)
  }

  // What another tool does: it leaves a marker.
  function method Mark(tree: Tree, key: Text): Tree {
    tree.(folders := tree.folders + {key})
  }

  lemma MarkIsValid(tree: Tree, key: Text)
    requires Valid(tree) && IsKey(key) && !tree.hierarchical
    ensures Valid(Mark(tree, key))
  {}

  lemma EmptyIsValid(hierarchical: bool)
    ensures Valid(Empty(hierarchical))
  {}

  lemma AboveAPathArePaths(key: Text)
    requires IsKey(key)
    ensures forall a :: a in Above(key) ==> IsKey(a)
  {
    forall i | 0 < i < |key| && key[i] == Slash ensures IsKey(key[..i]) {
      SplitAtSlash(key[..i], key[i + 1..]);
      assert key == key[..i] + [Slash] + key[i + 1..];
      SizeOfTwo(key[..i], key[i..]);
      assert key == key[..i] + key[i..];
      forall s | s in Split(key[..i]) ensures IsSegment(s) {
        assert s in Split(key);
      }
    }
  }

  lemma AboveIsTransitive(key: Text, a: Text)
    requires a in Above(key)
    ensures Above(a) <= Above(key) && IsBelow(key, a)
  {
    var i :| 0 < i < |key| && key[i] == Slash && key[..i] == a;
    forall b | b in Above(a) ensures b in Above(key) {
      var j :| 0 < j < |a| && a[j] == Slash && a[..j] == b;
      assert key[..j] == b && key[j] == Slash;
    }
    assert key[..i + 1] == a + [Slash];
  }

  lemma BelowMeansAbove(key: Text, folder: Text)
    requires folder != []
    requires |key| > 0 && IsBelow(key, folder)
    ensures folder in Above(key) || |key| == |folder| + 1
  {
    if |key| > |folder| + 1 {
      assert key[..|folder|] == folder;
      assert key[|folder|] == (folder + [Slash])[|folder|] == Slash;
    }
  }

  // A path never ends with a slash, so what is below a folder is more than the folder and a slash.
  lemma PathsEndWithoutSlash(key: Text)
    requires IsKey(key)
    ensures key != [] && key[0] != Slash && key[|key| - 1] != Slash
  {
    if key == [] { assert Split(key)[0] == []; }
    SlashAtAnEndMakesAnEmptySegment(key);
  }

  lemma BelowIsAbove(key: Text, folder: Text)
    requires IsKey(key) && folder != []
    ensures IsBelow(key, folder) <==> folder in Above(key)
  {
    PathsEndWithoutSlash(key);
    if IsBelow(key, folder) {
      assert key[|folder|] == (folder + [Slash])[|folder|];
      BelowMeansAbove(key, folder);
    }
    if folder in Above(key) { AboveIsTransitive(key, folder); }
  }

  lemma PutIsValid(tree: Tree, key: Text, content: seq<Byte>, labels: Text)
    requires Valid(tree) && IsKey(key) && Fits(tree, key)
    ensures Valid(Put(tree, key, content, labels))
  {
    var after := Put(tree, key, content, labels);
    AboveAPathArePaths(key);
    if tree.hierarchical {
      forall f | f in after.folders ensures IsKey(f) && f !in after.files {
        if f in Above(key) { AboveIsTransitive(key, f); PathIsNotBelowItself(key); }
      }
      forall k | k in after.files || k in after.folders ensures Above(k) <= after.folders {
        if k in Above(key) { AboveIsTransitive(key, k); }
      }
    }
  }

  lemma PathIsNotBelowItself(key: Text)
    ensures key !in Above(key)
  {}

  lemma RemoveIsValid(tree: Tree, key: Text)
    requires Valid(tree)
    ensures Valid(Remove(tree, key))
  {}
}
