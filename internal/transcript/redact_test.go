package transcript_test

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/transcript"
)

// A made value has the length and kind of its value, and equal values have equal ones.
func TestRedactText(t *testing.T) {
	t.Parallel()
	r := transcript.NewRedactor([]*regexp.Regexp{regexp.MustCompile(`[\p{L}\p{N}.+-]+@[\p{L}\p{N}.-]+`), regexp.MustCompile(`\b\d{5,}\b`),
		regexp.MustCompile(`key_(\w+)`), regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)})
	for text, shape := range map[string]string{
		"Ann.Lee@Example.org":                  `^[A-Z][a-z]{2}\.[A-Z][a-z]{2}@[A-Z][a-z]{6}\.[a-z]{3}$`,
		"SELECT 'ann.lee@example.org', 1234":   `^SELECT '[a-z]{3}\.[a-z]{3}@[a-z]{7}\.[a-z]{3}', 1234$`,
		"jürgen@köln.de":                       `^[a-z]\p{L}[a-z]{4}@[a-z]\p{L}[a-z]{2}\.[a-z]{2}$`,
		"key_A1b2":                             `^key_[A-Z][0-9][a-z][0-9]$`,
		"2147483647":                           `^1[0-9]{9}$`,
		"000123":                               `^[0-9]{6}$`,
		"nothing":                              `^nothing$`,
		"01a3d2f8-0000-4000-8000-00000000000f": `-`,
	} {
		replacement := r.RedactText(text)
		if !regexp.MustCompile(shape).MatchString(replacement) || len(replacement) != len(text) || !utf8.ValidString(replacement) ||
			r.RedactText(text) != replacement ||
			replacement == text && text != "nothing" {
			t.Errorf("%q is replaced by %q", text, replacement)
		}
	}
	if upper, lower := r.RedactText("ANN.LEE@EXAMPLE.ORG"), r.RedactText("ann.lee@example.org"); strings.ToLower(upper) != lower {
		t.Errorf("%q and %q are one value", upper, lower)
	}
	replacements := map[string]bool{}
	for i := range 200 {
		replacements[r.RedactText(string(rune('a'+i/26))+string(rune('a'+i%26))+"@x")] = true
	}
	if len(replacements) != 200 {
		t.Errorf("200 values are replaced by %d", len(replacements))
	}
	if other := transcript.NewRedactor([]*regexp.Regexp{regexp.MustCompile(`\d+`)}); other.RedactText("123456789012") == r.RedactText("123456789012") {
		t.Error("two runs replace a value by the same one")
	}
}

// No message of a transcript has a value that a pattern names, and all messages can still be read.
func TestRedactTranscript(t *testing.T) {
	t.Parallel()
	tr := &transcript.Transcript{Sessions: []transcript.Session{{Parameters: map[string]string{"application_name": "of ann@example.org"}}}}
	add := func(source transcript.Source, m pgproto3.Message) {
		frame, err := m.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		tr.Events = append(tr.Events, transcript.Event{Source: source, Kind: frame[0], Body: frame[5:]})
	}
	number, long := binary.BigEndian.AppendUint32(nil, 123456789), binary.BigEndian.AppendUint64(nil, 123456789)
	uuid := bytes.Repeat([]byte{0xab, 0x12}, 8)
	add(transcript.Client, &pgproto3.Query{String: "SELECT 'ann@example.org', 123456789 /* ann@example.org */"})
	add(transcript.Client, &pgproto3.Parse{Name: "ann@example.org", Query: "SELECT 'ann@example.org', $1", ParameterOIDs: []uint32{25, 23}})
	add(transcript.Client, &pgproto3.Bind{ParameterFormatCodes: []int16{0, 1, 1, 1, 0}, Parameters: [][]byte{[]byte("ann@example.org"), number, long, uuid, nil},
		ResultFormatCodes: []int16{1}})
	add(transcript.Client, &pgproto3.CopyData{Data: []byte("1\tann@exam")})
	add(transcript.Client, &pgproto3.CopyData{Data: []byte("ple.org\n2\tx\n")})
	add(transcript.Client, &pgproto3.CopyDone{})
	add(transcript.Client, &pgproto3.CopyFail{Message: "ann@example.org"})
	add(transcript.Server, &pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{
		{Name: []byte("ann@example.org"), DataTypeOID: 25}, {Name: []byte("n"), DataTypeOID: 20},
	}})
	add(transcript.Server, &pgproto3.DataRow{Values: [][]byte{[]byte("ann@example.org"), nil, long, uuid}})
	add(transcript.Server, &pgproto3.ErrorResponse{Code: "23505", Detail: "Key (email)=(ann@example.org) already exists.", Message: "123456789"})
	tr.Events = append(tr.Events, transcript.Event{Source: transcript.Test, Body: []byte("test_x[ann@example.org]")})
	sizes := []int{}
	for _, e := range tr.Events {
		sizes = append(sizes, len(e.Body))
	}
	r := transcript.NewRedactor([]*regexp.Regexp{regexp.MustCompile(`[\w.+-]+@[\w.-]+`), regexp.MustCompile(`\b\d{5,}\b`), regexp.MustCompile(`ab12ab12-\S+`)})
	tr.Redact(r)
	if r.Count() != 3 {
		t.Errorf("%d values were replaced", r.Count())
	}
	email, numberReplacement := r.RedactText("ann@example.org"), r.RedactText("123456789")
	copied := ""
	for i, e := range tr.Events {
		body := string(e.Body)
		if strings.Contains(body, "ann@") || strings.Contains(body, "123456789") || strings.Contains(body, string(number)) || strings.Contains(body, string(uuid)) {
			t.Errorf("%c%c has a value: %q", e.Source, e.Kind, e.Body)
		}
		if len(e.Body) != sizes[i] {
			t.Errorf("%c%c has another length", e.Source, e.Kind)
		}
		if e.Kind == 'd' {
			copied += body
		}
	}
	var bind pgproto3.Bind
	var row pgproto3.DataRow
	var description pgproto3.RowDescription
	var refused pgproto3.ErrorResponse
	for i, m := range map[int]pgproto3.Message{2: &bind, 7: &description, 8: &row, 9: &refused} {
		if err := m.Decode(tr.Events[i].Body); err != nil {
			t.Errorf("decode the redacted %T: %v", m, err)
		}
	}
	if string(bind.Parameters[0]) != email || bind.Parameters[4] != nil || !bytes.Equal(bind.Parameters[2], row.Values[2]) ||
		!bytes.Equal(bind.Parameters[3], row.Values[3]) {
		t.Errorf("the parameters are %q, the row is %q, want the same replacements in both", bind.Parameters, row.Values)
	}
	if n := binary.BigEndian.Uint32(bind.Parameters[1]); numberReplacement != strings.TrimSpace(refused.Message) ||
		n != uint32(binary.BigEndian.Uint64(bind.Parameters[2])) {
		t.Errorf("the parameter is %d, the error message %q, want the same number", n, refused.Message)
	}
	if copied != "1\t"+email+"\n2\tx\n" || refused.Detail != "Key (email)=("+email+") already exists." || refused.Code != "23505" {
		t.Errorf("the COPY data is %q, the error detail %q, want %q in both", copied, refused.Detail, email)
	}
	if got := tr.Sessions[0].Parameters["application_name"]; got != "of "+email {
		t.Errorf("application_name is %q, want %q", got, "of "+email)
	}
}
