// Clients at work at the same time. A schedule says, step by step, which client moves next; the contracts hold for every
// schedule, of any number of clients. One step is one request, which the service does whole.

include "Files.dfy"

module Race {
  import opened Texts
  import opened Keys
  import opened Trees
  import opened Files

  // ------------------------------------------------------------------------------------- exclusive create

  datatype Creator = Ready | SawNothing | Won | Beaten
  datatype Creation = Creation(tree: Tree, creators: seq<Creator>)

  // Client `who` writes its own bytes without overwrite: one request.
  function Create(s: Creation, key: Text, mine: seq<seq<Byte>>, who: nat): Creation
    requires |mine| == |s.creators|
    ensures |Create(s, key, mine, who).creators| == |s.creators|
  {
    if who >= |s.creators| || s.creators[who] != Ready then s
    else
      var w := Write(s.tree, key, mine[who], [], false, None);
      Creation(w.tree, s.creators[who := if w.result.Ok? then Won else Beaten])
  }

  function Creations(s: Creation, key: Text, mine: seq<seq<Byte>>, schedule: seq<nat>): Creation
    requires |mine| == |s.creators|
    ensures |Creations(s, key, mine, schedule).creators| == |s.creators|
    decreases |schedule|
  {
    if schedule == [] then s
    else Create(Creations(s, key, mine, schedule[..|schedule| - 1]), key, mine, schedule[|schedule| - 1])
  }

  predicate NobodyYet(s: Creation, key: Text) {
    Valid(s.tree) && Fits(s.tree, key) && key !in s.tree.files && forall i :: 0 <= i < |s.creators| ==> s.creators[i] == Ready
  }

  predicate OneWinner(s: Creation, key: Text, mine: seq<seq<Byte>>) {
    && key in s.tree.files
    && |mine| == |s.creators|
    && exists w :: 0 <= w < |s.creators| && s.creators[w] == Won && s.tree.files[key].content == mine[w]
         && forall i :: 0 <= i < |s.creators| && s.creators[i] == Won ==> i == w
  }

  lemma ExactlyOneCreates(s: Creation, key: Text, mine: seq<seq<Byte>>, schedule: seq<nat>)
    requires |mine| == |s.creators| && IsKey(key) && NobodyYet(s, key)
    ensures var t := Creations(s, key, mine, schedule);
      && Valid(t.tree) && Fits(t.tree, key)
      && (NobodyYet(t, key) || OneWinner(t, key, mine))                                       //: EXCL-01 EXCL-02
      && ((exists i :: 0 <= i < |schedule| && schedule[i] < |s.creators|) ==> OneWinner(t, key, mine)) //: EXCL-01
      && SameExcept(s.tree, t.tree, {key})                                                    //: EXCL-01
    decreases |schedule|
  {
    if schedule != [] {
      var before := schedule[..|schedule| - 1];
      var who := schedule[|schedule| - 1];
      ExactlyOneCreates(s, key, mine, before);
      var b := Creations(s, key, mine, before);
      WriteContract(b.tree, key, if who < |mine| then mine[who] else [], [], false, None);
      var t := Create(b, key, mine, who);
      if i :| 0 <= i < |schedule| && schedule[i] < |s.creators| {
        if i < |before| { assert before[i] == schedule[i]; }
      }
      if who < |s.creators| && b.creators[who] == Ready {
        if key in b.tree.files {
          var w :| 0 <= w < |b.creators| && b.creators[w] == Won && b.tree.files[key].content == mine[w]
            && forall i :: 0 <= i < |b.creators| && b.creators[i] == Won ==> i == w;
          assert t.creators[w] == Won;
        } else {
          assert t.creators[who] == Won;
        }
      }
    }
  }

  // Looking first and then writing: two requests, and two winners. That the model can show it is the point.
  function LookThenCreate(s: Creation, key: Text, mine: seq<seq<Byte>>, who: nat): Creation
    requires |mine| == |s.creators|
    ensures |LookThenCreate(s, key, mine, who).creators| == |s.creators|
  {
    if who >= |s.creators| || s.creators[who] == Won || s.creators[who] == Beaten then s
    else if s.creators[who] == Ready then
      s.(creators := s.creators[who := if key in s.tree.files then Beaten else SawNothing])
    else
      Creation(Write(s.tree, key, mine[who], [], true, None).tree, s.creators[who := Won])
  }

  lemma LookingFirstHasTwoWinners(key: Text, mine: seq<seq<Byte>>)
    requires |mine| == 2
    ensures var s := Creation(Empty(false), [Ready, Ready]);
      var looked := LookThenCreate(LookThenCreate(s, key, mine, 0), key, mine, 1);
      LookThenCreate(LookThenCreate(looked, key, mine, 0), key, mine, 1).creators == [Won, Won] //: EXCL-01
  {}

  // ------------------------------------------------------------------------------------- compare and swap

  // A counter is a file of so many bytes; each worker reads it, and writes one more with if_match.
  datatype Worker = Idle | Holding(value: nat, stamp: nat)
  datatype Counting = Counting(tree: Tree, workers: seq<Worker>, done: seq<nat>)

  function Unary(value: nat): seq<Byte>
    ensures |Unary(value)| == value
  {
    if value == 0 then [] else Unary(value - 1) + [0]
  }

  function Sum(numbers: seq<nat>): nat {
    if numbers == [] then 0 else numbers[0] + Sum(numbers[1..])
  }

  predicate Counts(s: Counting, key: Text) {
    key in s.tree.files && |s.done| == |s.workers|
  }

  // One request: the first reads; the next swaps, and counts as done if it was not refused.
  function Bump(s: Counting, key: Text, who: nat): Counting
    requires Counts(s, key)
    ensures Counts(Bump(s, key, who), key)
  {
    if who >= |s.workers| then s
    else if s.workers[who].Idle? then
      var file := s.tree.files[key];
      s.(workers := s.workers[who := Holding(|file.content|, file.stamp)])
    else
      var w := Write(s.tree, key, Unary(s.workers[who].value + 1), [], false, Some(s.workers[who].stamp));
      Counting(w.tree, s.workers[who := Idle], if w.result.Ok? then s.done[who := s.done[who] + 1] else s.done)
  }

  function Bumps(s: Counting, key: Text, schedule: seq<nat>): Counting
    requires Counts(s, key)
    ensures Counts(Bumps(s, key, schedule), key)
    decreases |schedule|
  {
    if schedule == [] then s else Bump(Bumps(s, key, schedule[..|schedule| - 1]), key, schedule[|schedule| - 1])
  }

  predicate NoneLost(s: Counting, key: Text, start: nat) {
    && Counts(s, key) && Valid(s.tree) && Fits(s.tree, key)
    && |s.tree.files[key].content| == start + Sum(s.done)
    && forall i :: 0 <= i < |s.workers| && s.workers[i].Holding? ==>
         s.workers[i].stamp <= s.tree.clock
         && (s.workers[i].stamp == s.tree.files[key].stamp ==> s.workers[i].value == |s.tree.files[key].content|)
  }

  lemma NoBumpIsLost(s: Counting, key: Text, start: nat, schedule: seq<nat>)
    requires IsKey(key) && NoneLost(s, key, start)
    ensures NoneLost(Bumps(s, key, schedule), key, start)                                     //: SWAP-01 SWAP-02 SWAP-04
    decreases |schedule|
  {
    if schedule != [] {
      var before := schedule[..|schedule| - 1];
      var who := schedule[|schedule| - 1];
      NoBumpIsLost(s, key, start, before);
      var b := Bumps(s, key, before);
      if who < |b.workers| && b.workers[who].Holding? {
        WriteContract(b.tree, key, Unary(b.workers[who].value + 1), [], false, Some(b.workers[who].stamp));
        SumOfOneMore(b.done, who);
      }
    }
  }

  lemma CountingBegins(s: Counting, key: Text)
    requires Valid(s.tree) && Fits(s.tree, key) && Counts(s, key)
    requires s.tree.files[key].content == [] && forall i :: 0 <= i < |s.done| ==> s.done[i] == 0
    requires forall i :: 0 <= i < |s.workers| ==> s.workers[i] == Idle
    ensures NoneLost(s, key, 0)                                                               //: SWAP-04
  {
    SumOfSame(s.done, 0);
  }

  lemma SumOfOneMore(numbers: seq<nat>, at: nat)
    requires at < |numbers|
    ensures Sum(numbers[at := numbers[at] + 1]) == Sum(numbers) + 1
  {
    var more := numbers[at := numbers[at] + 1];
    if at > 0 {
      SumOfOneMore(numbers[1..], at - 1);
      assert more[1..] == numbers[1..][at - 1 := numbers[at] + 1];
    } else {
      assert more[1..] == numbers[1..];
    }
  }

  // Each of M workers swapped N times: the counter stands at N x M.
  lemma EachWorkerCounts(s: Counting, key: Text, times: nat)
    requires NoneLost(s, key, 0) && forall i :: 0 <= i < |s.done| ==> s.done[i] == times
    ensures |s.tree.files[key].content| == times * |s.workers|                                //: SWAP-04
  {
    SumOfSame(s.done, times);
  }

  lemma SumOfSame(numbers: seq<nat>, each: nat)
    requires forall i :: 0 <= i < |numbers| ==> numbers[i] == each
    ensures Sum(numbers) == each * |numbers|
  {
    if numbers != [] {
      SumOfSame(numbers[1..], each);
      assert each * |numbers| == each + each * (|numbers| - 1);
    }
  }

  // Reading and then writing without the condition: of two bumps one is lost.
  lemma WritingBlindlyLosesOne(key: Text)
    ensures var tree := Put(Empty(false), key, [], []);
      var read := |tree.files[key].content|;
      var first := Write(tree, key, Unary(read + 1), [], true, None);
      var second := Write(first.tree, key, Unary(read + 1), [], true, None);
      first.result.Ok? && second.result.Ok? && |second.tree.files[key].content| == 1          //: SWAP-04
  {}

  // ------------------------------------------------------------- a move of copy + delete beside a writer

  // The mover copied version `stamp` of the source; meanwhile others may write the source again. If the deletion names
  // that version, the last acknowledged bytes stand under the source or under the target.
  lemma DeletingTheCopiedVersionOnly(copied: Tree, now: Tree, source: Text, target: Text, stamp: nat)
    requires source != target && source in now.files && target in now.files
    requires source in copied.files && copied.files[source].stamp == stamp
    requires now.files[target].content == copied.files[source].content
    // Stamps name versions: the same one, the same bytes.
    requires now.files[source].stamp == stamp ==> now.files[source] == copied.files[source]
    ensures var after := Delete(now, source, true, Some(stamp)).tree;
      || (source in after.files && after.files[source] == now.files[source])
      || (target in after.files && after.files[target].content == now.files[source].content)
  {}

  lemma DeletingWhateverStandsThereLosesAWrite(source: Text, target: Text)
    requires source != target
    ensures var copied := Put(Put(Empty(false), source, [1], []), target, [1], []);
      var now := Write(copied, source, [2], [], true, None);
      var after := Delete(now.tree, source, true, None).tree;
      now.result.Ok? && source !in after.files && after.files[target].content == [1]
  {}
}
