// Operations on files, and what each promises. Every contract below is a full frame: it says what changes, and that
// nothing else does. Preconditions are judged in the order in which the functions ask.

include "Trees.dfy"

module Files {
  import opened Texts
  import opened Keys
  import opened Trees

  function method Fail<T>(tree: Tree, error: Error, key: Text): Step<T> {
    Step(tree, Failed(error, key))
  }

  function method Read(tree: Tree, key: Text): Result<File> {
    if key in tree.files then Ok(tree.files[key]) else Failed(NotFound, key)
  }

  function method Slice(content: seq<Byte>, offset: nat, length: Option<nat>): seq<Byte> {
    if offset >= |content| then []
    else if length.Some? && offset + length.value < |content| then content[offset..offset + length.value]
    else content[offset..]
  }

  function method ReadRange(tree: Tree, key: Text, offset: nat, length: Option<nat>): Result<seq<Byte>> {
    if key in tree.files then Ok(Slice(tree.files[key].content, offset, length)) else Failed(NotFound, key)
  }

  // Publishing, however the bytes came: whole, in parts, or from a block that ended well.
  function method Write(tree: Tree, key: Text, content: seq<Byte>, labels: Text, overwrite: bool,
                        ifMatch: Option<nat>): Step<File> {
    if !Fits(tree, key) then Fail(tree, InvalidPath, key)
    else if ifMatch.Some? && (key !in tree.files || tree.files[key].stamp != ifMatch.value) then
      Fail(tree, PreconditionFailed, key)
    else if ifMatch.None? && !overwrite && key in tree.files then Fail(tree, AlreadyExists, key)
    else
      var after := Put(tree, key, content, labels);
      Step(after, Ok(after.files[key]))
  }

  function method Delete(tree: Tree, key: Text, missingOk: bool, ifMatch: Option<nat>): Step<Done> {
    if ifMatch.Some? && (key !in tree.files || tree.files[key].stamp != ifMatch.value) then
      Fail(tree, PreconditionFailed, key)
    else if key !in tree.files then
      if missingOk then Step(tree, Ok(Done)) else Fail(tree, NotFound, key)
    else Step(Remove(tree, key), Ok(Done))
  }

  function method DeleteMany(tree: Tree, keys: seq<Text>): Tree
    decreases |keys|
  {
    if keys == [] then tree else DeleteMany(Remove(tree, keys[0]), keys[1..])
  }

  // What copy and move ask before they act; None: go on.
  function method Refusal(tree: Tree, source: Text, target: Text, overwrite: bool): Option<Result<Done>> {
    if source !in tree.files then Some(Failed(NotFound, source))
    else if source == target then Some(if overwrite then Ok(Done) else Failed(AlreadyExists, target))
    else if !Fits(tree, target) then Some(Failed(InvalidPath, target))
    else if target in tree.files && !overwrite then Some(Failed(AlreadyExists, target))
    else None
  }

  function method Copy(tree: Tree, source: Text, target: Text, overwrite: bool): Step<Done> {
    var refusal := Refusal(tree, source, target, overwrite);
    if refusal.Some? then Step(tree, refusal.value)
    else Step(Put(tree, target, tree.files[source].content, tree.files[source].labels), Ok(Done))
  }

  function method Move(tree: Tree, source: Text, target: Text, overwrite: bool): Step<Done> {
    var refusal := Refusal(tree, source, target, overwrite);
    if refusal.Some? then Step(tree, refusal.value)
    else Step(Remove(Copy(tree, source, target, overwrite).tree, source), Ok(Done))
  }

  // ---------------------------------------------------------------------------------------------- contracts

  lemma ReadContract(tree: Tree, key: Text, offset: nat, length: Option<nat>)
    ensures key in tree.files ==> Read(tree, key) == Ok(tree.files[key])                      //: READ-01 META-01
    ensures key !in tree.files ==> Read(tree, key) == Failed(NotFound, key)                   //: READ-03 FACT-05
    ensures key !in tree.files ==> ReadRange(tree, key, offset, length) == Failed(NotFound, key) //: RANGE-04
  {}

  lemma SliceContract(content: seq<Byte>, offset: nat, length: nat)
    ensures forall i :: 0 <= i < |Slice(content, offset, Some(length))| ==>
      offset + i < |content| && Slice(content, offset, Some(length))[i] == content[offset + i] //: RANGE-01
    ensures offset + length <= |content| ==> |Slice(content, offset, Some(length))| == length //: RANGE-01
    ensures offset <= |content| < offset + length ==>
      |Slice(content, offset, Some(length))| == |content| - offset                            //: RANGE-01
    ensures offset <= |content| ==> Slice(content, offset, None) == content[offset..]         //: RANGE-02
    ensures offset >= |content| ==> Slice(content, offset, None) == Slice(content, offset, Some(length)) == [] //: RANGE-02
    ensures Slice(content, 0, None) == content                                                //: READ-01
  {}

  lemma WriteContract(tree: Tree, key: Text, content: seq<Byte>, labels: Text, overwrite: bool, ifMatch: Option<nat>)
    requires Valid(tree) && IsKey(key)
    ensures var s := Write(tree, key, content, labels, overwrite, ifMatch);
      && (s.result.Failed? ==> s.tree == tree)                                                //: PUB-05
      && (!Fits(tree, key) <==> s.result == Failed(InvalidPath, key))                         //: WRITE-11
      && (Fits(tree, key) && key in tree.files && !overwrite && ifMatch.None?
          <==> s.result == Failed(AlreadyExists, key))                                        //: OVER-01
      && (Fits(tree, key) && ifMatch.Some? && (key !in tree.files || tree.files[key].stamp != ifMatch.value)
          <==> s.result == Failed(PreconditionFailed, key))                                   //: SWAP-02 SWAP-03
      && (s.result.Ok? ==>
          && key in s.tree.files
          && s.tree.files[key] == s.result.value                                              //: WRITE-06
          && s.result.value.content == content                                                //: READ-01 OVER-02
          && s.result.value.labels == labels                                                  //: META-01 META-02 OVER-02
          && s.result.value.stamp > tree.clock                                                //: WRITE-12
          && (forall a :: a in Above(key) ==> IsFolder(s.tree, a)))                           //: WRITE-08 FACT-08
      && SameExcept(tree, s.tree, {key})                                                      //: DEL-01 COPY-07
      && FoldersGrowAbove(tree, s.tree, key)                                                  //: WRITE-08
      && Valid(s.tree)                                                                        //: LIST-05
  {
    PathsEndWithoutSlash(key);
    if Fits(tree, key) { PutIsValid(tree, key, content, labels); }
    forall a | a in Above(key) ensures IsBelow(key, a) { AboveIsTransitive(key, a); }
  }

  lemma SwapContract(tree: Tree, key: Text, content: seq<Byte>, labels: Text, overwrite: bool)
    requires Valid(tree) && key in tree.files && Fits(tree, key)
    ensures Write(tree, key, content, labels, overwrite, Some(tree.files[key].stamp)).result.Ok? //: SWAP-01
  {}

  lemma DeleteContract(tree: Tree, key: Text, missingOk: bool, ifMatch: Option<nat>)
    requires Valid(tree)
    ensures var s := Delete(tree, key, missingOk, ifMatch);
      && (s.result.Failed? ==> s.tree == tree)                                                //: DEL-01
      && (key !in tree.files && !missingOk && ifMatch.None? <==> s.result == Failed(NotFound, key)) //: DEL-02 DEL-03
      && (key !in tree.files && missingOk && ifMatch.None? ==> s.result.Ok?)                  //: DEL-02 DEL-03
      && (key !in tree.files ==> s.tree == tree)                                              //: DEL-02 DEL-03
      && (ifMatch.Some? && (key !in tree.files || tree.files[key].stamp != ifMatch.value)
          <==> s.result == Failed(PreconditionFailed, key))                                   //: SWAP-05
      && (s.result.Ok? ==> key !in s.tree.files)                                              //: DEL-01
      && SameExcept(tree, s.tree, {key})                                                      //: DEL-01
      && s.tree.folders == tree.folders                                                       //: DEL-03 DEL-14
      && Valid(s.tree)                                                                        //: DEL-01
  {}

  lemma DeleteManyContract(tree: Tree, keys: seq<Text>)
    requires Valid(tree)
    decreases |keys|
    ensures forall k :: k in keys ==> k !in DeleteMany(tree, keys).files                      //: DEL-04
    ensures forall k :: k !in keys ==> (k in tree.files <==> k in DeleteMany(tree, keys).files)
      && (k in tree.files ==> DeleteMany(tree, keys).files[k] == tree.files[k])               //: DEL-04
    ensures DeleteMany(tree, keys).folders == tree.folders && Valid(DeleteMany(tree, keys))   //: DEL-03 DEL-14
  {
    if keys != [] {
      var rest := Remove(tree, keys[0]);
      DeleteManyContract(rest, keys[1..]);
      assert keys == [keys[0]] + keys[1..];
      forall k | k in keys ensures k !in DeleteMany(rest, keys[1..]).files {
        if k !in keys[1..] { assert k == keys[0] && k !in rest.files; }
      }
    }
  }

  lemma CopyContract(tree: Tree, source: Text, target: Text, overwrite: bool)
    requires Valid(tree) && IsKey(target)
    ensures var s := Copy(tree, source, target, overwrite);
      && (s.result.Failed? ==> s.tree == tree)                                                //: COPY-03 COPY-04
      && (source !in tree.files <==> s.result == Failed(NotFound, source))                    //: COPY-03 COPY-06
      && (source in tree.files && source == target ==>
          s.tree == tree && s.result == if overwrite then Ok(Done) else Failed(AlreadyExists, target)) //: COPY-05
      && (source in tree.files && Fits(tree, target) && target in tree.files && !overwrite ==>
          s.result == Failed(AlreadyExists, target))                                          //: COPY-04
      && (source in tree.files && source != target && !Fits(tree, target) ==>
          s.result == Failed(InvalidPath, target))                                            //: WRITE-11
      && (s.result.Ok? ==>
          && source in s.tree.files && target in s.tree.files
          && s.tree.files[source] == tree.files[source]                                       //: COPY-01
          && s.tree.files[target].content == tree.files[source].content                       //: COPY-01 COPY-04
          && s.tree.files[target].labels == tree.files[source].labels)                        //: COPY-02
      && SameExcept(tree, s.tree, {target})                                                   //: COPY-07
      && FoldersGrowAbove(tree, s.tree, target)                                               //: COPY-01
      && Valid(s.tree)                                                                        //: COPY-01
  {
    if source in tree.files && Fits(tree, target) {
      PutIsValid(tree, target, tree.files[source].content, tree.files[source].labels);
    }
  }

  lemma MoveContract(tree: Tree, source: Text, target: Text, overwrite: bool)
    requires Valid(tree) && IsKey(target)
    ensures var s := Move(tree, source, target, overwrite);
      && (s.result.Failed? ==> s.tree == tree)                                                //: MOVE-02 MOVE-03 MOVE-05
      && (source !in tree.files <==> s.result == Failed(NotFound, source))                    //: MOVE-02 COPY-06
      && (source in tree.files && source == target ==>
          s.tree == tree && s.result == if overwrite then Ok(Done) else Failed(AlreadyExists, target)) //: MOVE-04
      && (source in tree.files && Fits(tree, target) && target in tree.files && !overwrite ==>
          s.result == Failed(AlreadyExists, target))                                          //: MOVE-03
      && (s.result.Ok? && source != target ==>
          && source !in s.tree.files                                                          //: MOVE-01
          && target in s.tree.files
          && s.tree.files[target].content == tree.files[source].content                       //: MOVE-01 MOVE-03
          && s.tree.files[target].labels == tree.files[source].labels)                        //: MOVE-01
      && SameExcept(tree, s.tree, {source, target})                                           //: MOVE-01
      && FoldersGrowAbove(tree, s.tree, target)                                               //: MOVE-01
      && Valid(s.tree)                                                                        //: MOVE-01
  {
    CopyContract(tree, source, target, overwrite);
  }

  // What is written last is read, by any key and whatever came between at other keys.
  lemma ReadAfterWrite(tree: Tree, key: Text, content: seq<Byte>, labels: Text, overwrite: bool, ifMatch: Option<nat>,
                       other: Text)
    requires Valid(tree) && IsKey(key)
    ensures var s := Write(tree, key, content, labels, overwrite, ifMatch);
      && (s.result.Ok? ==> Read(s.tree, key) == s.result && s.result.value.content == content) //: STATE-05 READ-01
      && (other != key ==> Read(s.tree, other) == Read(tree, other))                          //: COPY-07 KEY-10
  {}
}
