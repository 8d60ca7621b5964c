package transcript

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestFileRoundTrip(t *testing.T) {
	want := &Transcript{
		Revision: "abc", Postgres: 18, Database: "app", User: "postgres", Start: StartsBase, Notes: []string{"a note"},
		Sessions: []Session{
			{User: "postgres", Database: "app", Parameters: map[string]string{"application_name": "tests"}},
			{User: "web", Database: "app", Lost: "why"},
		},
		Events: []Event{
			{Session: 0, Source: Begins},
			{Session: 0, Source: Client, Kind: 'Q', Body: []byte("SELECT '\xff'\x00")},
			{Session: 0, Source: Server, Kind: 'Z', Body: []byte("I")},
			{Session: 1, Source: Ends},
		},
	}
	var file bytes.Buffer
	if err := want.Write(&file); err != nil {
		t.Fatal(err)
	}
	stored := file.Bytes()
	got, err := Read(bytes.NewReader(stored))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, wrote %+v", got, want)
	}
	for name, text := range map[string]string{"no file": "", "another file": "hello", "a cut file": string(stored[:len(stored)-12])} {
		if _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s was read as a transcript", name)
		}
	}
}
