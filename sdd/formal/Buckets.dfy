// A flat service as it is, and what users see of it. The service knows names and objects, nothing else. A name that
// ends with "/" is a folder's marker; deleting says nothing of absence; listings come in pages, any of which may be
// empty.

include "Trees.dfy"

module Buckets {
  import opened Texts
  import opened Keys
  import opened Trees
  
  datatype Bucket = Bucket(objects: map<Text, File>, clock: nat)
  datatype Reply = Stored(bucket: Bucket) | Missing | Mismatch   // 200, 404, 412

  function MarkerName(folder: Text): Text { folder + [Slash] }

  predicate IsMarker(name: Text) { name != [] && name[|name| - 1] == Slash && IsKey(name[..|name| - 1]) }

  function FolderOf(marker: Text): Text
    requires marker != []
  { marker[..|marker| - 1] }

  // Every name is a path or a path's marker: no "a//b", which listings leave out.
  predicate Tidy(bucket: Bucket) {
    forall n :: n in bucket.objects ==> (IsKey(n) || IsMarker(n)) && bucket.objects[n].stamp <= bucket.clock
  }

  function FilesSeen(bucket: Bucket): map<Text, File> {
    map n | n in bucket.objects && IsKey(n) :: bucket.objects[n]
  }

  function Markers(bucket: Bucket): set<Text> {
    set n | n in bucket.objects && IsMarker(n) :: FolderOf(n)
  }

  // What users see of a bucket.
  function Seen(bucket: Bucket): Tree {
    Tree(false, FilesSeen(bucket), Markers(bucket), bucket.clock)
  }

  // ------------------------------------------------------------------------------------------- the service

  function PutObject(bucket: Bucket, name: Text, content: seq<Byte>, labels: Text, ifAbsent: bool,
                     ifMatch: Option<nat>): Reply {
    if ifMatch.Some? && name !in bucket.objects then Missing
    else if ifMatch.Some? && bucket.objects[name].stamp != ifMatch.value then Mismatch
    else if ifAbsent && name in bucket.objects then Mismatch
    else
      var stamp := bucket.clock + 1;
      Stored(Bucket(bucket.objects[name := File(content, labels, stamp)], stamp))
  }

  function DeleteObject(bucket: Bucket, name: Text): Bucket {
    bucket.(objects := map n | n in bucket.objects && n != name :: bucket.objects[n])
  }

  // Without a condition it says nothing of absence; with one it deletes that version only.
  function DeleteVersion(bucket: Bucket, name: Text, ifMatch: Option<nat>): Reply {
    if ifMatch.Some? && name !in bucket.objects then Missing
    else if ifMatch.Some? && bucket.objects[name].stamp != ifMatch.value then Mismatch
    else Stored(DeleteObject(bucket, name))
  }

  function CopyObject(bucket: Bucket, source: Text, target: Text, ifAbsent: bool): Reply {
    if source !in bucket.objects then Missing
    else PutObject(bucket, target, bucket.objects[source].content, bucket.objects[source].labels, ifAbsent, None)
  }

  function WithoutPrefix(bucket: Bucket, prefix: Text): Bucket {
    bucket.(objects := map n | n in bucket.objects && !StartsWith(n, prefix) :: bucket.objects[n])
  }

  function Names(bucket: Bucket, prefix: Text): set<Text> {
    set n | n in bucket.objects && StartsWith(n, prefix)
  }

  // A listing arrives as pages: each name under the prefix is on one of them, and nothing else.
  predicate PagesOf(pages: seq<seq<Text>>, names: set<Text>) {
    forall n :: n in names <==> exists i :: 0 <= i < |pages| && n in pages[i]
  }

  // ------------------------------------------------------------------------------------------------- facts

  lemma MarkersSeen(bucket: Bucket, folder: Text)
    ensures folder in Markers(bucket) <==> IsKey(folder) && MarkerName(folder) in bucket.objects
  {
    assert FolderOf(MarkerName(folder)) == folder;
    if folder in Markers(bucket) {
      var n :| n in bucket.objects && IsMarker(n) && FolderOf(n) == folder;
      assert n == FolderOf(n) + [n[|n| - 1]];
    }
  }

  lemma MarkerIsNoPath(folder: Text)
    ensures !IsKey(MarkerName(folder))
  {
    if IsKey(MarkerName(folder)) { PathsEndWithoutSlash(MarkerName(folder)); }
  }

  lemma MarkerBelow(name: Text, folder: Text)
    requires IsMarker(name) && folder != []
    ensures StartsWith(name, MarkerName(folder)) <==> FolderOf(name) == folder || IsBelow(FolderOf(name), folder)
  {
    var own := FolderOf(name);
    assert name == own + [Slash];
    PathsEndWithoutSlash(own);
    if |name| > |folder| + 1 { assert own[..|folder| + 1] == name[..|folder| + 1]; }
    if StartsWith(name, MarkerName(folder)) && |name| == |folder| + 1 {
      assert name == MarkerName(folder);
      assert own == MarkerName(folder)[..|folder|] == folder;
    }
    if own == folder { assert name[..|folder| + 1] == name == MarkerName(folder); }
    if IsBelow(own, folder) { assert name[..|folder| + 1] == own[..|folder| + 1]; }
  }

  lemma FileBelow(name: Text, folder: Text)
    requires IsKey(name) && folder != []
    ensures StartsWith(name, MarkerName(folder)) <==> IsBelow(name, folder)
  {
    PathsEndWithoutSlash(name);
  }

  // What has the folder's prefix: its files, and the markers of itself and of folders below.
  lemma NamesAreWhatIsBelow(bucket: Bucket, folder: Text)
    requires Tidy(bucket) && IsKey(folder)
    ensures Names(bucket, MarkerName(folder)) != {} <==> IsFolder(Seen(bucket), folder)       //: FACT-01 FACT-08
    ensures Names(bucket, MarkerName(folder)) - {MarkerName(folder)} == {}
      <==> !HoldsSomething(Seen(bucket), folder)                                              //: DEL-11
  {
    PathsEndWithoutSlash(folder);
    var seen, names := Seen(bucket), Names(bucket, MarkerName(folder));
    forall n | n in names && n != MarkerName(folder) ensures HoldsSomething(seen, folder) {
      if IsKey(n) {
        FileBelow(n, folder);
        assert n in seen.files;
      } else {
        MarkerBelow(n, folder);
        assert n == FolderOf(n) + [Slash];
        assert FolderOf(n) in seen.folders && IsBelow(FolderOf(n), folder);
      }
    }
    forall k | k in seen.files && IsBelow(k, folder) ensures k in names && k != MarkerName(folder) {
      FileBelow(k, folder);
      MarkerIsNoPath(folder);
    }
    forall f | f in seen.folders && IsBelow(f, folder) ensures MarkerName(f) in names && MarkerName(f) != MarkerName(folder) {
      MarkersSeen(bucket, f);
      assert FolderOf(MarkerName(f)) == f && FolderOf(MarkerName(folder)) == folder;
      MarkerBelow(MarkerName(f), folder);
    }
    MarkersSeen(bucket, folder);
    var others := names - {MarkerName(folder)};
    if n :| n in others { assert HoldsSomething(seen, folder); }
    if k :| k in seen.files && IsBelow(k, folder) { assert k in others; }
    if f :| f in seen.folders && IsBelow(f, folder) { assert MarkerName(f) in others; }
    assert others == {} <==> !HoldsSomething(seen, folder);
    if folder in seen.folders { assert MarkerName(folder) in names; }
    if n :| n in names { assert n in others || n == MarkerName(folder); }
    assert others <= names;
  }

  lemma SeenIsValid(bucket: Bucket)
    requires Tidy(bucket)
    ensures Valid(Seen(bucket))                                                               //: LIST-05
  {}
}
