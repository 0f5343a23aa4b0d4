// One contract for both kinds of service: wherever a disk does not say that the tree has no room (InvalidPath), a flat
// store with the same files answers the same, and they still hold the same files afterwards. A disk knows more folders:
// the empty ones.

include "Listing.dfy"

module Refines {
  import opened Texts
  import opened Keys
  import opened Trees
  import opened Files
  import opened Folders
  import opened Listing

  predicate Alike(disk: Tree, flat: Tree) {
    && disk.hierarchical && !flat.hierarchical
    && Valid(disk) && Valid(flat)
    && disk.files == flat.files && disk.clock == flat.clock
    && flat.folders == {}
  }

  lemma FoldersOfFlatAreOnDisk(disk: Tree, flat: Tree, key: Text)
    requires Alike(disk, flat)
    ensures IsFolder(flat, key) ==> IsFolder(disk, key)                                       //: FACT-08 DEL-14
    ensures IsFolder(disk, key) && FilesBelow(disk, key) != {} ==> IsFolder(flat, key)        //: FACT-08
    ensures FilesBelow(disk, key) == FilesBelow(flat, key)                                    //: FACT-04 LIST-01
  {
    if k :| k in flat.files && IsBelow(k, key) && key != [] { BelowIsAbove(k, key); }
    if k :| k in FilesBelow(disk, key) { assert k in flat.files && IsBelow(k, key); }
  }

  lemma WritesAlike(disk: Tree, flat: Tree, key: Text, content: seq<Byte>, labels: Text, overwrite: bool,
                    ifMatch: Option<nat>)
    requires Alike(disk, flat) && IsKey(key)
    ensures var d := Write(disk, key, content, labels, overwrite, ifMatch);
      var f := Write(flat, key, content, labels, overwrite, ifMatch);
      d.result != Failed(InvalidPath, key) ==> d.result == f.result && Alike(d.tree, f.tree)  //: WRITE-11 OVER-01 SWAP-02
    ensures Write(flat, key, content, labels, overwrite, ifMatch).result != Failed(InvalidPath, key) //: WRITE-11
  {
    WriteContract(disk, key, content, labels, overwrite, ifMatch);
    WriteContract(flat, key, content, labels, overwrite, ifMatch);
  }

  lemma ReadsAlike(disk: Tree, flat: Tree, key: Text, offset: nat, length: Option<nat>)
    requires Alike(disk, flat)
    ensures Read(disk, key) == Read(flat, key)                                                //: READ-01 READ-03
    ensures ReadRange(disk, key, offset, length) == ReadRange(flat, key, offset, length)      //: RANGE-01
  {}

  lemma DeletesAlike(disk: Tree, flat: Tree, key: Text, missingOk: bool, ifMatch: Option<nat>)
    requires Alike(disk, flat)
    ensures var d := Delete(disk, key, missingOk, ifMatch);
      var f := Delete(flat, key, missingOk, ifMatch);
      d.result == f.result && Alike(d.tree, f.tree)                                           //: DEL-01 DEL-02 DEL-14
  {}

  lemma CopiesAlike(disk: Tree, flat: Tree, source: Text, target: Text, overwrite: bool)
    requires Alike(disk, flat) && IsKey(target)
    ensures var d := Copy(disk, source, target, overwrite);
      var f := Copy(flat, source, target, overwrite);
      d.result != Failed(InvalidPath, target) ==> d.result == f.result && Alike(d.tree, f.tree) //: COPY-01 COPY-03 COPY-04
    ensures var d := Move(disk, source, target, overwrite);
      var f := Move(flat, source, target, overwrite);
      d.result != Failed(InvalidPath, target) ==> d.result == f.result && Alike(d.tree, f.tree) //: MOVE-01 MOVE-02 MOVE-03
  {
    CopyContract(disk, source, target, overwrite);
    CopyContract(flat, source, target, overwrite);
    MoveContract(disk, source, target, overwrite);
    MoveContract(flat, source, target, overwrite);
  }

  // A folder with a file below is deleted alike; only a disk can have an empty one to delete.
  lemma FoldersDeletedAlike(disk: Tree, flat: Tree, folder: Text, recursive: bool, missingOk: bool)
    requires Alike(disk, flat)
    requires FilesBelow(disk, folder) != {} || !IsFolder(disk, folder)
    ensures var d := DeleteFolder(disk, folder, recursive, missingOk);
      var f := DeleteFolder(flat, folder, recursive, missingOk);
      d.result == f.result && Alike(d.tree, f.tree)                                           //: DEL-10 DEL-11 DEL-12
  {
    FoldersOfFlatAreOnDisk(disk, flat, folder);
    DeleteFolderContract(disk, folder, recursive, missingOk);
    DeleteFolderContract(flat, folder, recursive, missingOk);
    if k :| k in FilesBelow(disk, folder) {
      assert k in disk.files && IsBelow(k, folder);
      assert HoldsSomething(disk, folder) && HoldsSomething(flat, folder);
    }
  }

  lemma ListedAlike(disk: Tree, flat: Tree, folder: Text, recursive: bool, deepest: Option<nat>, key: Text)
    requires Alike(disk, flat)
    ensures Listed(disk, folder, recursive, deepest, key) <==> Listed(flat, folder, recursive, deepest, key) //: LIST-01
    ensures IsChildFolder(flat, folder, key) ==> IsChildFolder(disk, folder, key)             //: LIST-10
  {
    if IsChildFolder(flat, folder, key) {
      var k :| k in flat.files && key in Above(k);
      assert Above(k) <= disk.folders;
    }
  }
}
