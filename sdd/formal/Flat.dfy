// The kernel on a flat service, step by step: what `_ops` asks the service, in its order, answers what the contract says.

include "Buckets.dfy"
include "Folders.dfy"

module Flat {
  import opened Texts
  import opened Keys
  import opened Trees
  import opened Files
  import opened Folders
  import opened Buckets

  // -------------------------------------------------------------------------------------------- the kernel

  // _ops/info.py _any_below: pages are asked for until one shows something.
  predicate AnyBelow(pages: seq<seq<Text>>) {
    pages != [] && (pages[0] != [] || AnyBelow(pages[1..]))
  }

  // _ops/info.py exists, is_file, is_folder: stat, then the listing.
  predicate KernelExists(bucket: Bucket, key: Text, pages: seq<seq<Text>>) {
    key == [] || key in bucket.objects || AnyBelow(pages)
  }

  // _ops/write.py _put: the service's refusals become the contract's errors.
  function KernelWrite(bucket: Bucket, key: Text, content: seq<Byte>, labels: Text, overwrite: bool,
                       ifMatch: Option<nat>): (Bucket, Result<File>) {
    var reply := PutObject(bucket, key, content, labels, !overwrite && ifMatch.None?, ifMatch);
    if reply.Stored? then (reply.bucket, Ok(reply.bucket.objects[key]))
    else if reply.Missing? then (bucket, Failed(if ifMatch.Some? then PreconditionFailed else NotFound, key))
    else (bucket, Failed(if ifMatch.Some? || overwrite then PreconditionFailed else AlreadyExists, key))
  }

  // _ops/write.py Publication: asked before the first part, judged again by the commit.
  function KernelWriteInParts(bucket: Bucket, key: Text, content: seq<Byte>, labels: Text, overwrite: bool,
                              ifMatch: Option<nat>): (Bucket, Result<File>) {
    if !overwrite && ifMatch.None? && key in bucket.objects then (bucket, Failed(AlreadyExists, key))
    else KernelWrite(bucket, key, content, labels, overwrite, ifMatch)
  }

  // _ops/delete.py: the service does not tell, so the kernel asks first; with missing_ok it need not, nor with if_match.
  function KernelDelete(bucket: Bucket, key: Text, missingOk: bool, ifMatch: Option<nat>): (Bucket, Result<Done>) {
    if !missingOk && ifMatch.None? && key !in bucket.objects then (bucket, Failed(NotFound, key))
    else
      var reply := DeleteVersion(bucket, key, ifMatch);
      if reply.Stored? then (reply.bucket, Ok(Done)) else (bucket, Failed(PreconditionFailed, key))
  }

  // _ops/move.py _settled and _copy: onto itself, then target, then source, then the copy.
  function KernelCopy(bucket: Bucket, source: Text, target: Text, overwrite: bool): (Bucket, Result<Done>) {
    if source == target then
      if source !in bucket.objects then (bucket, Failed(NotFound, source))
      else (bucket, if overwrite then Ok(Done) else Failed(AlreadyExists, target))
    else if !overwrite && target in bucket.objects then
      if source !in bucket.objects then (bucket, Failed(NotFound, source))
      else (bucket, Failed(AlreadyExists, target))
    else
      var reply := CopyObject(bucket, source, target, !overwrite);
      if reply.Stored? then (reply.bucket, Ok(Done))
      else if reply.Missing? then (bucket, Failed(NotFound, source))
      else (bucket, Failed(AlreadyExists, target))
  }

  // _ops/move.py _delete_copied: the version that was copied goes; another one stays, and one that is gone is fine.
  function KernelMove(bucket: Bucket, source: Text, target: Text, overwrite: bool): (Bucket, Result<Done>) {
    var copied := KernelCopy(bucket, source, target, overwrite);
    if copied.1.Failed? || source == target then copied
    else
      var reply := DeleteVersion(copied.0, source, Some(bucket.objects[source].stamp));
      if reply.Stored? then (reply.bucket, Ok(Done))
      else (copied.0, if reply.Missing? then Ok(Done) else Failed(PreconditionFailed, source))
  }

  // _ops/folders.py. `inside` are the pages of the folder's children, `below` those of all names with its prefix.
  function KernelDeleteFolder(bucket: Bucket, folder: Text, recursive: bool, missingOk: bool,
                              inside: seq<seq<Text>>, below: seq<seq<Text>>): (Bucket, Result<Done>) {
    var missing: Result<Done> := if missingOk then Ok(Done) else Failed(NotFound, folder);
    if folder == [] then (bucket, Failed(InvalidPath, folder))
    else if !recursive then
      if AnyBelow(inside) then (bucket, Failed(DirectoryNotEmpty, folder))
      else if MarkerName(folder) !in bucket.objects then (bucket, missing)
      else (DeleteObject(bucket, MarkerName(folder)), Ok(Done))
    else if !AnyBelow(below) then (bucket, missing)
    else (WithoutPrefix(bucket, MarkerName(folder)), Ok(Done))
  }

  // ---------------------------------------------------------------------------------------------- contracts

  lemma AnyBelowReadsEveryPage(pages: seq<seq<Text>>, names: set<Text>)
    requires PagesOf(pages, names)
    ensures AnyBelow(pages) <==> names != {}                                                  //: LIST-08 ABSENT-01
  {
    if AnyBelow(pages) {
      var i := FirstFull(pages);
      assert pages[i][0] in pages[i] && pages[i][0] in names;
    }
    if n :| n in names {
      var i :| 0 <= i < |pages| && n in pages[i];
      SomePageIsEnough(pages, i);
    }
  }

  lemma FirstFull(pages: seq<seq<Text>>) returns (i: nat)
    requires AnyBelow(pages)
    ensures i < |pages| && pages[i] != []
  {
    if pages[0] != [] { i := 0; } else { i := FirstFull(pages[1..]); i := i + 1; }
  }

  lemma SomePageIsEnough(pages: seq<seq<Text>>, i: nat)
    requires i < |pages| && pages[i] != []
    ensures AnyBelow(pages)
  {
    if i > 0 { SomePageIsEnough(pages[1..], i - 1); }
  }

  lemma ExistsRefines(bucket: Bucket, key: Text, pages: seq<seq<Text>>)
    requires Tidy(bucket) && IsKey(key) && PagesOf(pages, Names(bucket, MarkerName(key)))
    ensures KernelExists(bucket, key, pages) <==> Exists(Seen(bucket), key)                   //: FACT-01 ABSENT-01
    ensures AnyBelow(pages) <==> IsFolder(Seen(bucket), key)                                  //: FACT-01 FACT-08
  {
    PathsEndWithoutSlash(key);
    AnyBelowReadsEveryPage(pages, Names(bucket, MarkerName(key)));
    NamesAreWhatIsBelow(bucket, key);
  }

  lemma PutRefines(bucket: Bucket, key: Text, content: seq<Byte>, labels: Text)
    requires Tidy(bucket) && IsKey(key)
    ensures var reply := PutObject(bucket, key, content, labels, false, None);
      Seen(reply.bucket) == Put(Seen(bucket), key, content, labels) && Tidy(reply.bucket)
  {
    var after := PutObject(bucket, key, content, labels, false, None).bucket;
    assert FilesSeen(after) == Put(Seen(bucket), key, content, labels).files;
    forall f ensures f in Markers(after) <==> f in Markers(bucket) {
      MarkersSeen(after, f);
      MarkersSeen(bucket, f);
      MarkerIsNoPath(f);
    }
    assert Markers(after) == Markers(bucket);
  }

  lemma WriteRefines(bucket: Bucket, key: Text, content: seq<Byte>, labels: Text, overwrite: bool, ifMatch: Option<nat>)
    requires Tidy(bucket) && IsKey(key)
    ensures var k := KernelWrite(bucket, key, content, labels, overwrite, ifMatch);
      var s := Write(Seen(bucket), key, content, labels, overwrite, ifMatch);
      && Seen(k.0) == s.tree && k.1 == s.result && Tidy(k.0)                                  //: OVER-01 SWAP-02 SWAP-03 EXCL-01
      && KernelWriteInParts(bucket, key, content, labels, overwrite, ifMatch) == k            //: WRITE-09 EXCL-02
  {
    PutRefines(bucket, key, content, labels);
  }

  lemma DeleteObjectRefines(bucket: Bucket, key: Text)
    requires Tidy(bucket) && IsKey(key)
    ensures Seen(DeleteObject(bucket, key)) == Remove(Seen(bucket), key) && Tidy(DeleteObject(bucket, key)) //: DEL-01
  {
    var after := DeleteObject(bucket, key);
    assert FilesSeen(after) == Remove(Seen(bucket), key).files;
    forall f ensures f in Markers(after) <==> f in Markers(bucket) {
      MarkersSeen(after, f);
      MarkersSeen(bucket, f);
      MarkerIsNoPath(f);
    }
    assert Markers(after) == Markers(bucket);
  }

  lemma DeleteRefines(bucket: Bucket, key: Text, missingOk: bool, ifMatch: Option<nat>)
    requires Tidy(bucket) && IsKey(key)
    ensures var k := KernelDelete(bucket, key, missingOk, ifMatch);
      var s := Delete(Seen(bucket), key, missingOk, ifMatch);
      Seen(k.0) == s.tree && k.1 == s.result && Tidy(k.0)                                     //: DEL-01 DEL-02 DEL-03 SWAP-05
  {
    DeleteObjectRefines(bucket, key);
    if key !in bucket.objects {
      assert Remove(Seen(bucket), key).files == Seen(bucket).files;
    }
  }

  lemma CopyRefines(bucket: Bucket, source: Text, target: Text, overwrite: bool)
    requires Tidy(bucket) && IsKey(source) && IsKey(target)
    ensures var k := KernelCopy(bucket, source, target, overwrite);
      var s := Copy(Seen(bucket), source, target, overwrite);
      Seen(k.0) == s.tree && k.1 == s.result && Tidy(k.0)                                     //: COPY-01 COPY-03 COPY-04 COPY-05
    ensures var k := KernelMove(bucket, source, target, overwrite);
      var s := Move(Seen(bucket), source, target, overwrite);
      Seen(k.0) == s.tree && k.1 == s.result && Tidy(k.0)                                     //: MOVE-01 MOVE-02 MOVE-03 MOVE-04
  {
    if source in bucket.objects {
      PutRefines(bucket, target, bucket.objects[source].content, bucket.objects[source].labels);
    }
    DeleteObjectRefines(KernelCopy(bucket, source, target, overwrite).0, source);
  }

  lemma DeleteFolderRefines(bucket: Bucket, folder: Text, recursive: bool, missingOk: bool,
                            inside: seq<seq<Text>>, below: seq<seq<Text>>, children: set<Text>)
    requires Tidy(bucket) && (folder == [] || IsKey(folder))
    requires PagesOf(inside, children) && PagesOf(below, Names(bucket, MarkerName(folder)))
    // Children are shown if anything but the folder's own marker has its prefix.
    requires children != {} <==> Names(bucket, MarkerName(folder)) - {MarkerName(folder)} != {}
    ensures var k := KernelDeleteFolder(bucket, folder, recursive, missingOk, inside, below);
      var s := DeleteFolder(Seen(bucket), folder, recursive, missingOk);
      Seen(k.0) == s.tree && k.1 == s.result && Tidy(k.0)                                     //: DEL-10 DEL-11 DEL-12 DEL-13 DEL-15
  {
    if folder != [] {
      AnyBelowReadsEveryPage(inside, children);
      AnyBelowReadsEveryPage(below, Names(bucket, MarkerName(folder)));
      NamesAreWhatIsBelow(bucket, folder);
      MarkersSeen(bucket, folder);
      if recursive {
        TreeIsGone(bucket, folder);
      } else if IsEmpty(Seen(bucket), folder) && IsFolder(Seen(bucket), folder) {
        MarkerIsGone(bucket, folder);
      }
    }
  }

  lemma TreeIsGone(bucket: Bucket, folder: Text)
    requires Tidy(bucket) && IsKey(folder) && folder != []
    ensures var after := WithoutPrefix(bucket, MarkerName(folder));
      Seen(after) == Without(Seen(bucket), folder) && Tidy(after)
  {
    var after, seen := WithoutPrefix(bucket, MarkerName(folder)), Without(Seen(bucket), folder);
    forall k ensures k in FilesSeen(after) <==> k in seen.files {
      if IsKey(k) { FileBelow(k, folder); }
    }
    assert FilesSeen(after) == seen.files;
    forall f ensures f in Markers(after) <==> f in seen.folders {
      MarkersSeen(after, f);
      MarkersSeen(bucket, f);
      if IsKey(f) {
        assert FolderOf(MarkerName(f)) == f;
        MarkerBelow(MarkerName(f), folder);
      }
    }
    assert Markers(after) == seen.folders;
  }

  lemma MarkerIsGone(bucket: Bucket, folder: Text)
    requires Tidy(bucket) && IsKey(folder) && IsEmpty(Seen(bucket), folder)
    ensures var after := DeleteObject(bucket, MarkerName(folder));
      Seen(after) == Without(Seen(bucket), folder) && Tidy(after)
  {
    var after, seen := DeleteObject(bucket, MarkerName(folder)), Without(Seen(bucket), folder);
    MarkerIsNoPath(folder);
    assert FilesSeen(after) == seen.files;
    forall f ensures f in Markers(after) <==> f in seen.folders {
      MarkersSeen(after, f);
      MarkersSeen(bucket, f);
      assert FolderOf(MarkerName(f)) == f && FolderOf(MarkerName(folder)) == folder;
    }
    assert Markers(after) == seen.folders;
  }
}
