package workload

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func drawWorkload(t *rapid.T) *Workload {
	pick := func(name string, choices ...string) string { return rapid.SampledFrom(choices).Draw(t, name) }
	few := rapid.Int64Range(0, 3)
	ms := rapid.Float64Range(0, 1000)
	sender := func() []Sender {
		var out []Sender
		for range rapid.IntRange(0, 2).Draw(t, "senders") {
			out = append(out, Sender{Application: pick("app", "", "shop"), Test: pick("test", "a", "b"), Calls: few.Draw(t, "calls")})
		}
		return out
	}
	w := &Workload{
		Schema: Schema, Revision: pick("revision", "", "abc", "def"), Postgres: rapid.IntRange(13, 15).Draw(t, "postgres"),
		Sources: []string{pick("source", "record", "csvlog")},
	}
	if file := pick("transcript", "", "a.transcript", "b.transcript"); file != "" {
		w.Transcripts = []TranscriptFile{{File: file, SHA256: pick("hash", "01", "02")}}
	}
	for _, id := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"1", "2", "3"}), rapid.ID[string]).Draw(t, "ids") {
		q := Query{
			ID:       id,
			SQL:      "q" + id,
			Kind:     Select,
			Calls:    few.Draw(t, "calls"),
			Rows:     few.Draw(t, "rows"),
			MostRows: few.Draw(t, "most"),
			MS:       ms.Draw(t, "ms"),
			Senders:  sender(),
		}
		q.Mark = Mark(pick("mark", "", "fixture", "migration"))
		q.Named = rapid.Bool().Draw(t, "named")
		if q.Resolved = pick("resolved", "", "text", "server"); q.Resolved != "" {
			q.Columns = []Column{{Name: "a", Type: pick("type", "text", "integer")}}
		}
		q.Params = []string{pick("param", "", "unknown", "integer", "text")}
		if few.Draw(t, "errors") == 0 {
			q.Errors = map[string]int64{pick("state", "23505", "40001"): 1}
		}
		w.Queries = append(w.Queries, q)
		s := Sequence{
			Transaction: pick("ended", "", "commit"),
			Steps:       []Step{{Query: id, Times: few.Draw(t, "times")}},
			Count:       1,
			IdleMS:      ms.Draw(t, "idle"),
			Senders:     sender(),
		}
		w.Sequences = append(w.Sequences, s)
	}
	return w
}

func merged(t rapid.TB, list ...*Workload) *Workload {
	out, err := MergeAll(list...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestMergeOrder holds that the order in which recordings are put together, and in how many
// steps, makes no difference, and that what is stored is read as it was.
func TestMergeOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawWorkload(t), drawWorkload(t), drawWorkload(t)
		want := merged(t, a, b, c)
		for _, got := range []*Workload{
			merged(t, c, b, a), merged(t, merged(t, a, b), c), merged(t, a, merged(t, b, c)), merged(t, merged(t, c, a), b), merged(t, want),
		} {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		}
		var text bytes.Buffer
		if err := Write(&text, want, false); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(&text); err != nil {
			t.Fatal(err)
		}
	})
}

func TestMergeSays(t *testing.T) {
	t.Parallel()
	query := func(typ, resolved string) Query {
		return Query{ID: "1", SQL: "SELECT a FROM t", Kind: Select, Calls: 2, MostRows: 5, Resolved: resolved, Columns: []Column{{Name: "a", Type: typ}}}
	}
	old := &Workload{Schema: Schema, Revision: "r1", Postgres: 13, Queries: []Query{query("integer", "server")}}
	young := &Workload{Schema: Schema, Revision: "r2", Postgres: 17, Queries: []Query{query("bigint", "server")}}
	got := merged(t, young, old)
	if q := got.Queries[0]; q.Calls != 4 || q.Columns[0].Type != "bigint" || !q.Disputed {
		t.Errorf("the merged query is %+v, want 4 calls, type bigint and disputed", q)
	}
	if got.Revision != "" || len(got.Notes) != 1 || !strings.HasPrefix(got.Notes[0], "1 query has another result") {
		t.Errorf("the revision is %q, the notes are %q, want no revision and one note", got.Revision, got.Notes)
	}
	// A recording without a server's answer contradicts nothing.
	text := &Workload{Schema: Schema, Queries: []Query{query("text", "text")}}
	if got := merged(t, old, text); got.Queries[0].Disputed || got.Queries[0].Columns[0].Type != "integer" {
		t.Errorf("merged with a query read from text: %+v, want integer and not disputed", got.Queries[0])
	}
	other := query("integer", "server")
	other.SQL = "SELECT b FROM t"
	if _, err := MergeAll(old, &Workload{Queries: []Query{other}}); err == nil || !strings.Contains(err.Error(), "two texts") {
		t.Error(err)
	}
}
