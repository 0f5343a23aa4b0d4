// Stopped after any step: a publication is a draft that nobody sees and one rename; a move without a rename in the
// service is a publication and a deletion. Killed anywhere, the final name holds all of the old or all of the new.

include "Files.dfy"

module Crash {
  import opened Texts
  import opened Keys
  import opened Trees
  import opened Files

  // A draft has a hidden name of its own (here a number); `held`: its writer lives.
  datatype Draft = Draft(content: seq<Byte>, born: nat, held: bool)
  datatype Disk = Disk(tree: Tree, drafts: map<nat, Draft>, now: nat)

  datatype Action =
    | Begin
    | Append(bytes: seq<Byte>)
    | Publish(target: Text, labels: Text)
    | Unlink(source: Text)
    | Drop

  // One step of a writer, each of which the service does whole or not at all.
  function Do(disk: Disk, draft: nat, action: Action): Disk {
    match action
      case Begin => disk.(drafts := disk.drafts[draft := Draft([], disk.now, true)])
      case Append(bytes) =>
        if draft !in disk.drafts then disk else
          var d := disk.drafts[draft];
          disk.(drafts := disk.drafts[draft := d.(content := d.content + bytes)])
      case Publish(target, labels) =>
        if draft !in disk.drafts then disk else
          disk.(tree := Put(disk.tree, target, disk.drafts[draft].content, labels),
                drafts := Without(disk.drafts, draft))
      case Unlink(source) => disk.(tree := Remove(disk.tree, source))
      case Drop => disk.(drafts := Without(disk.drafts, draft))
  }

  function Without(drafts: map<nat, Draft>, draft: nat): map<nat, Draft> {
    map d | d in drafts && d != draft :: drafts[d]
  }

  // The disk after the first steps: what a crash there leaves.
  function After(disk: Disk, draft: nat, actions: seq<Action>): Disk
    decreases |actions|
  {
    if actions == [] then disk else Do(After(disk, draft, actions[..|actions| - 1]), draft, actions[|actions| - 1])
  }

  function Appends(chunks: seq<seq<Byte>>): seq<Action>
    ensures |Appends(chunks)| == |chunks|
    ensures forall i :: 0 <= i < |chunks| ==> Appends(chunks)[i] == Append(chunks[i])
    decreases |chunks|
  {
    if chunks == [] then [] else Appends(chunks[..|chunks| - 1]) + [Append(chunks[|chunks| - 1])]
  }

  function Concat(chunks: seq<seq<Byte>>): seq<Byte>
    decreases |chunks|
  {
    if chunks == [] then [] else Concat(chunks[..|chunks| - 1]) + chunks[|chunks| - 1]
  }

  function Writing(chunks: seq<seq<Byte>>): seq<Action> { [Begin] + Appends(chunks) }

  function Publication(chunks: seq<seq<Byte>>, target: Text, labels: Text): seq<Action> {
    Writing(chunks) + [Publish(target, labels)]
  }

  // Content that raises, or a block left by an exception.
  function Abandoned(chunks: seq<seq<Byte>>): seq<Action> { Writing(chunks) + [Drop] }

  function Moving(chunks: seq<seq<Byte>>, source: Text, target: Text, labels: Text): seq<Action> {
    Publication(chunks, target, labels) + [Unlink(source)]
  }

  // What sweeps up later: drafts without a living writer, older than asked.
  predicate IsLitter(disk: Disk, olderThan: nat, draft: nat) {
    draft in disk.drafts && !disk.drafts[draft].held && disk.drafts[draft].born + olderThan < disk.now
  }

  function Cleanup(disk: Disk, olderThan: nat): Disk {
    disk.(drafts := map d | d in disk.drafts && !IsLitter(disk, olderThan, d) :: disk.drafts[d])
  }

  // The writer is gone, and time goes on.
  function Killed(disk: Disk, draft: nat, later: nat): Disk {
    var drafts := if draft in disk.drafts then disk.drafts[draft := disk.drafts[draft].(held := false)] else disk.drafts;
    Disk(disk.tree, drafts, disk.now + later)
  }

  // ---------------------------------------------------------------------------------------------- contracts

  lemma WhileWriting(disk: Disk, draft: nat, chunks: seq<seq<Byte>>)
    requires draft !in disk.drafts
    ensures var d := After(disk, draft, Writing(chunks));
      && d.tree == disk.tree && d.now == disk.now                                             //: PUB-04
      && d.drafts == disk.drafts[draft := Draft(Concat(chunks), disk.now, true)]              //: PUB-10
    decreases |chunks|
  {
    var actions := Writing(chunks);
    if chunks == [] {
      assert actions == [Begin];
      assert actions[..0] == [];
      assert After(disk, draft, actions[..0]) == disk;
    } else {
      var before := chunks[..|chunks| - 1];
      WhileWriting(disk, draft, before);
      assert actions[..|actions| - 1] == Writing(before);
    }
  }

  lemma KilledWriter(disk: Disk, draft: nat, chunks: seq<seq<Byte>>, target: Text, labels: Text, steps: nat)
    requires draft !in disk.drafts
    requires steps <= |Publication(chunks, target, labels)|
    ensures var all := Publication(chunks, target, labels);
      var d := After(disk, draft, all[..steps]);
      && (steps < |all| ==> d.tree == disk.tree)                                              //: PUB-01 PUB-04 PUB-05 PUB-07 CHAOS-02
      && (steps == |all| ==> d.tree == Put(disk.tree, target, Concat(chunks), labels))        //: PUB-03 PUB-07 PUB-10
      && (steps == |all| ==> d.drafts == disk.drafts)                                         //: PUB-03
      && (forall other :: other != draft ==>
            (other in disk.drafts <==> other in d.drafts)
            && (other in disk.drafts ==> d.drafts[other] == disk.drafts[other]))              //: PUB-07
  {
    var all := Publication(chunks, target, labels);
    if steps == |all| {
      WhileWriting(disk, draft, chunks);
      assert all[..steps] == all && all[..|all| - 1] == Writing(chunks);
      assert Without(disk.drafts[draft := Draft(Concat(chunks), disk.now, true)], draft) == disk.drafts;
    } else if steps > 0 {
      var some := chunks[..steps - 1];
      WhileWriting(disk, draft, some);
      assert all[..steps] == Writing(some) by { AppendsOfSome(chunks, steps - 1); }
    } else {
      assert all[..0] == [];
    }
  }

  lemma AppendsOfSome(chunks: seq<seq<Byte>>, count: nat)
    requires count <= |chunks|
    ensures Appends(chunks)[..count] == Appends(chunks[..count])
  {}

  lemma FailedContent(disk: Disk, draft: nat, chunks: seq<seq<Byte>>)
    requires draft !in disk.drafts
    ensures After(disk, draft, Abandoned(chunks)) == disk                                     //: PUB-01 PUB-02 PUB-06 PUB-09
  {
    WhileWriting(disk, draft, chunks);
    var all := Abandoned(chunks);
    assert all[..|all| - 1] == Writing(chunks);
    assert Without(disk.drafts[draft := Draft(Concat(chunks), disk.now, true)], draft) == disk.drafts;
  }

  // A move of copy + delete: the target all old or all new, the bytes always under one of both names, never under neither.
  lemma KilledMover(disk: Disk, draft: nat, chunks: seq<seq<Byte>>, source: Text, target: Text, steps: nat)
    requires draft !in disk.drafts && source in disk.tree.files && source != target
    requires Concat(chunks) == disk.tree.files[source].content
    requires steps <= |Moving(chunks, source, target, disk.tree.files[source].labels)|
    ensures var file := disk.tree.files[source];
      var all := Moving(chunks, source, target, file.labels);
      var d := After(disk, draft, all[..steps]);
      && (d.tree == disk.tree
          || d.tree == Put(disk.tree, target, file.content, file.labels)
          || d.tree == Remove(Put(disk.tree, target, file.content, file.labels), source))     //: MOVE-05
      && ((source in d.tree.files && d.tree.files[source] == file)
          || (target in d.tree.files && d.tree.files[target].content == file.content
              && d.tree.files[target].labels == file.labels))                                 //: MOVE-05
      && (steps == |all| ==> source !in d.tree.files && target in d.tree.files)               //: MOVE-01
      && SameExcept(disk.tree, d.tree, {source, target})                                      //: MOVE-05
  {
    var file := disk.tree.files[source];
    var copying := Publication(chunks, target, file.labels);
    var all := Moving(chunks, source, target, file.labels);
    if steps == |all| {
      KilledWriter(disk, draft, chunks, target, file.labels, |copying|);
      assert copying[..|copying|] == copying;
      assert all[..steps] == all && all[..|all| - 1] == copying;
    } else {
      KilledWriter(disk, draft, chunks, target, file.labels, steps);
      assert all[..steps] == copying[..steps];
    }
  }

  lemma CleanupContract(disk: Disk, olderThan: nat, draft: nat)
    ensures Cleanup(disk, olderThan).tree == disk.tree                                        //: PUB-05
    ensures draft in Cleanup(disk, olderThan).drafts ==> draft in disk.drafts
      && Cleanup(disk, olderThan).drafts[draft] == disk.drafts[draft]                         //: PUB-07
    ensures draft in disk.drafts && (disk.drafts[draft].held || disk.drafts[draft].born + olderThan >= disk.now)
      ==> draft in Cleanup(disk, olderThan).drafts                                            //: PUB-03
    ensures IsLitter(disk, olderThan, draft) ==> draft !in Cleanup(disk, olderThan).drafts    //: PUB-06
  {}

  // Killed after any step and swept later: as if the write had never begun, or as if it had ended.
  lemma NothingStaysBehind(disk: Disk, draft: nat, chunks: seq<seq<Byte>>, target: Text, labels: Text, steps: nat,
                           later: nat, olderThan: nat)
    requires draft !in disk.drafts && later > olderThan
    requires steps <= |Publication(chunks, target, labels)|
    ensures var all := Publication(chunks, target, labels);
      var d := Cleanup(Killed(After(disk, draft, all[..steps]), draft, later), olderThan);
      draft !in d.drafts && (d.tree == disk.tree || d.tree == Put(disk.tree, target, Concat(chunks), labels)) //: PUB-06 PUB-07
  {
    var all := Publication(chunks, target, labels);
    KilledWriter(disk, draft, chunks, target, labels, steps);
    if 0 < steps < |all| {
      WhileWriting(disk, draft, chunks[..steps - 1]);
      AppendsOfSome(chunks, steps - 1);
      assert all[..steps] == Writing(chunks[..steps - 1]);
    } else if steps == 0 {
      assert all[..0] == [];
    }
  }
}
