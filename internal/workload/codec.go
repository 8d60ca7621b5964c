package workload

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxSize bounds the text of a stored workload, unpacked, in bytes.
const MaxSize = 128 << 20

// Write stores a workload as JSON, one query per line. packed compresses it with gzip,
// without a timestamp.
func Write(w io.Writer, load *Workload, packed bool) error {
	if packed {
		z := gzip.NewWriter(w)
		if err := Write(z, load, false); err != nil {
			return err
		}
		return z.Close()
	}
	b := bufio.NewWriter(w)
	rest := *load
	rest.Schema, rest.Queries, rest.Sequences = Schema, nil, nil
	if rest.Sources == nil {
		rest.Sources = []string{}
	}
	head, err := encodeJSON(struct {
		*Workload
		Queries   *struct{} `json:"queries,omitempty"`
		Sequences *struct{} `json:"sequences,omitempty"`
	}{Workload: &rest})
	if err != nil {
		return err
	}
	_, _ = b.Write(head[:len(head)-1])
	if err := writeList(b, "queries", load.Queries); err != nil {
		return err
	}
	if len(load.Sequences) > 0 {
		if err := writeList(b, "sequences", load.Sequences); err != nil {
			return err
		}
	}
	b.WriteString("}\n")
	return b.Flush()
}

// writeList writes a list with one entry per line.
func writeList[T any](b *bufio.Writer, name string, entries []T) error {
	fmt.Fprintf(b, ",\n%q:[", name)
	for i := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		text, err := encodeJSON(&entries[i])
		if err != nil {
			return err
		}
		_, _ = b.Write(text) // Flush returns the error
	}
	b.WriteByte(']')
	return nil
}

// encodeJSON encodes JSON without escaping < and >, which are frequent in SQL.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Read reads what Write stored, packed or not. The error describes the fault but does not
// name the file.
func Read(r io.Reader) (*Workload, error) {
	b := bufio.NewReader(r)
	if magic, _ := b.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("the workload cannot be unpacked: %w", err)
		}
		defer func() { _ = z.Close() }()
		b = bufio.NewReader(z)
	}
	limited := &io.LimitedReader{R: b, N: MaxSize + 1}
	var load Workload
	if err := json.NewDecoder(limited).Decode(&load); err != nil {
		if limited.N <= 0 {
			return nil, fmt.Errorf("the workload is larger than %d MB", MaxSize>>20)
		}
		return nil, fmt.Errorf("it is no workload: %w", err)
	}
	if load.Schema != Schema {
		if load.Schema == "" {
			return nil, errors.New("it is no workload: it has no \"schema\"")
		}
		return nil, fmt.Errorf("its schema is %q, and this onward reads %q", load.Schema, Schema)
	}
	return &load, load.checkWorkload()
}

// checkWorkload refuses a workload that contradicts itself.
func (w *Workload) checkWorkload() error {
	ids := make(map[string]bool, len(w.Queries))
	for i := range w.Queries {
		q := &w.Queries[i]
		switch {
		case q.ID == "" || q.SQL == "":
			return fmt.Errorf("it is no workload: query %d has no id, or no text", i+1)
		case ids[q.ID]:
			return fmt.Errorf("it is no workload: the id %q is given twice", q.ID)
		case q.Calls < 0 || q.Rows < 0:
			return fmt.Errorf("it is no workload: query %q was sent less than no times", q.ID)
		}
		ids[q.ID] = true
	}
	for _, t := range w.Transcripts {
		if t.File == "" || t.File == "." || t.File == ".." || strings.ContainsAny(t.File, `/\:`) {
			return fmt.Errorf("it is no workload: the transcript %q is no name of a file beside it", t.File)
		}
	}
	for i := range w.Sequences {
		for _, s := range w.Sequences[i].Steps {
			if !ids[s.Query] {
				return fmt.Errorf("it is no workload: a sequence names the query %q, which it does not have", s.Query)
			}
		}
	}
	return nil
}
