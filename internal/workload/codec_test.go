package workload

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func example() *Workload {
	return &Workload{
		Schema: Schema, Sources: []string{"record"}, Postgres: 17,
		Queries: []Query{
			{ID: "1", SQL: "SELECT a FROM t WHERE a < $1", Kind: Select, Calls: 3, Params: []string{"integer"}, Senders: []Sender{{Application: "shop", Calls: 3}}},
			{ID: "2", SQL: "UPDATE t SET a = $1", Kind: Update, Calls: 1},
		},
		Sequences:   []Sequence{{Transaction: "commit", Steps: []Step{{Query: "1", Times: 50}, {Query: "2"}}, Count: 1}},
		Transcripts: []TranscriptFile{{File: "a.transcript", SHA256: "01"}},
	}
}

func TestCodec(t *testing.T) {
	t.Parallel()
	for _, packed := range []bool{false, true} {
		var b bytes.Buffer
		if err := Write(&b, example(), packed); err != nil {
			t.Fatal(err)
		}
		if !packed && !strings.Contains(b.String(), "a < $1") {
			t.Errorf("SQL is not as it is: %s", b.String())
		}
		got, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(example(), got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCodecRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                               "no workload",
		"{}":                             `no "schema"`,
		`{"schema":"onward.workload/9"}`: "this onward reads",
		`{"schema":"onward.workload/1","queries":[{"id":"1","sql":"x"},{"id":"1","sql":"y"}]}`: "given twice",
		`{"schema":"onward.workload/1","queries":[],"sequences":[{"steps":[{"query":"7"}]}]}`:  "does not have",
		`{"schema":"onward.workload/1","queries":[],"transcripts":[{"file":"../x"}]}`:          "no name of a file",
		"\x1f\x8bnothing": "unpacked",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzRead checks that everything that Read accepts can be written and read again.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := Write(&b, example(), false); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		load, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := Write(&b, load, false); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(&b); err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, b.String())
		}
	})
}
