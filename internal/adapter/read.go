package adapter

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"

	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

const bom = "\ufeff"

// File is the file of a migration, as it was read.
type File struct {
	Path string
	// Text is the content, byte for byte; "" if Failed is set.
	Text string
	// Written is the original content if Text has names in the places that the runner
	// fills in; "" if Text is the original.
	Written string
	// Failed says why it could not be read; "" when it could.
	Failed string
	// Lost is set if git has the file and not its content.
	Lost bool
	// Opaque lists what is odd about its bytes.
	Opaque []onward.Opaque
}

// ReadFiles reads files of one directory, in the order of the names. It leaves none out:
// a file that cannot be read has Failed set.
func ReadFiles(t Tree, d Dir, names []string) []*File {
	// They are read in batches, so that a large history is not in memory twice.
	const bunch = 500
	out := make([]*File, 0, len(names))
	for len(names) > 0 {
		n := min(bunch, len(names))
		paths := make([]string, n)
		for i, name := range names[:n] {
			paths[i] = d.Join(name)
		}
		names = names[n:]
		var all map[string][]byte
		if b, ok := t.(interface {
			ReadAll(paths []string) (map[string][]byte, error)
		}); ok && n > 1 {
			all, _ = b.ReadAll(paths) // missing files are read one by one below, for their error
		}
		from := len(out)
		out = out[:from+n]
		contents, errs := make([][]byte, n), make([]error, n)
		for i, p := range paths {
			var ok bool
			if contents[i], ok = all[p]; !ok {
				contents[i], errs[i] = t.Read(p)
			}
		}
		EachParallel(n, func(i int) { out[from+i] = newFile(paths[i], contents[i], errs[i]) })
	}
	useDefaultSchema(out)
	return out
}

// EachParallel calls f for the numbers below n, in parallel on all processors. Trees are safe for
// concurrent reads.
func EachParallel(n int, f func(i int)) {
	// Each worker claims this many numbers at a time.
	run := max(1, min(32, n/(4*runtime.GOMAXPROCS(0))))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+run-1)/run) {
		workers.Go(func() {
			for {
				end := int(next.Add(int64(run)))
				for i := end - run; i < min(end, n); i++ {
					f(i)
				}
				if end >= n {
					return
				}
			}
		})
	}
	workers.Wait()
}

// ReadFile reads one file.
func ReadFile(t Tree, path string) *File {
	content, err := t.Read(path)
	return newFile(path, content, err)
}

func newFile(path string, content []byte, err error) *File {
	f := &File{Path: path}
	switch {
	case err != nil:
		f.Failed, f.Lost = describeReadError(path, err), gitrange.IsLost(err)
		return f
	case len(content) > pgparse.MaxSize:
		f.Failed = fmt.Sprintf("the file has %d MB; up to %d MB are read", len(content)>>20, pgparse.MaxSize>>20)
		return f
	case bytes.HasPrefix(content, []byte{0xff, 0xfe}), bytes.HasPrefix(content, []byte{0xfe, 0xff}):
		f.Failed = "the file is UTF-16, which no Postgres client sends unchanged; save it as UTF-8"
		return f
	}
	f.Text = unsafe.String(unsafe.SliceData(content), len(content)) // Tree.Read gives it away
	if offset := indexInvalidUTF8(f.Text); offset >= 0 {
		line, column := lineAndColumn(f.Text, offset)
		f.Opaque = append(f.Opaque, onward.Opaque{
			Path: path, Line: line, Column: column, Failed: true,
			What: fmt.Sprintf("byte 0x%02x, which is not UTF-8", f.Text[offset]),
			Why:  "it was read as '?'; Postgres refuses the text with \"invalid byte sequence for encoding\"; save the file as UTF-8",
		})
	}
	f.assumeConditionsTrue()
	f.replaceText(fillSchemas(f.Text))
	return f
}

// FillNames replaces placeholders of roles and schemas by names, for a runner that fills
// them in.
func (f *File) FillNames() { f.replaceText(fillRoles(f.Text)) }

// replaceText changes the text, and keeps the original in Written.
func (f *File) replaceText(text string) {
	if text == f.Text {
		return
	}
	if f.Written == "" {
		f.Written = f.Text
	}
	f.Text = text
}

// describeReadError returns why a file cannot be read, without the path, because every report
// prints the path next to it.
func describeReadError(path string, err error) string {
	text := err.Error()
	var pe *fs.PathError
	if errors.As(err, &pe) && !strings.HasPrefix(text, "read "+path) {
		text = pe.Err.Error()
	}
	return strings.TrimPrefix(text, "read "+path+": ")
}

// Refused lists bytes that fail if a runner sends the text unchanged: a byte order mark
// and NUL bytes. psql drops the mark, drivers do not.
func (f *File) Refused() []history.Refusal {
	var out []history.Refusal
	if strings.HasPrefix(f.Text, bom) {
		out = append(out, history.Refusal{
			Line: 1, Column: 1,
			Message: "the file begins with a byte order mark",
			Harm:    "the runner sends it to the server, which takes it for a name: a syntax error before the first statement",
			Instead: "save the file as UTF-8 without byte order mark",
		})
	}
	if offset := strings.IndexByte(f.Text, 0); offset >= 0 {
		line, column := lineAndColumn(f.Text, offset)
		out = append(out, history.Refusal{
			Line: line, Column: column,
			Message: "the file has a NUL byte",
			Harm:    "the text of a message ends there: the server rejects the message as malformed",
			Instead: "remove the NUL byte",
		})
	}
	return out
}

// indexInvalidUTF8 is the offset of the first byte that is not UTF-8; -1 for none.
func indexInvalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// lineAndColumn returns the line and column of an offset, from 1.
func lineAndColumn(s string, offset int) (line, column int) {
	before := s[:offset]
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

// Start makes a migration of a file, without SQL parts yet. It has the text that
// positions count in, and the problems of its bytes.
func (f *File) Start(s Source, id, version string) *Migration {
	m := &Migration{
		ID: id, Version: version, Path: f.Path, Framework: s.Framework, Runner: s.Options.Runner,
		Source: script.Source{Text: f.Text, Written: f.Written, LineComment: "--"},
		Opaque: f.Opaque, Failed: f.Failed, Lost: f.Lost,
	}
	for i := range m.Opaque {
		m.Opaque[i].Migration = id
	}
	return m
}

// Refuse records a position that the runner refuses or misreads.
func (m *Migration) Refuse(offset int, message, harm, instead string) {
	line, column := lineAndColumn(m.Source.Text, offset)
	m.Problems = append(m.Problems, history.Refusal{
		Line: line, Column: column, Message: message, Harm: harm, Instead: instead,
	})
}

// Seal sets how the migration is sent (the configuration overrides mode) and its hash,
// after its parts are known. whole is the text that the hash covers besides the mode; ""
// for the parts.
func (m *Migration) Seal(mode onward.Transaction, o Options, whole string) {
	if o.Transaction != "" {
		mode = o.Transaction
	}
	m.Source.Mode = mode
	buffer := seals.Get().(*[]byte)
	text := append((*buffer)[:0], mode...)
	if whole != "" {
		text = append(append(text, 0), whole...)
	} else {
		for _, p := range m.Source.Parts {
			sql := p.SQL
			if written := m.Source.Written; written != "" && p.Start >= 0 {
				sql = written[p.Start : p.Start+len(sql)]
			}
			text = append(append(text, 0), sql...)
		}
	}
	sum := sha256.Sum256(text)
	m.Hash = hex.EncodeToString(sum[:])
	if *buffer = text; cap(text) <= maxSeal {
		seals.Put(buffer)
	}
}

// seals holds buffers for the text that is hashed, for reuse. maxSeal bounds the size of
// a kept buffer.
var seals = sync.Pool{New: func() any { return new([]byte) }}

const maxSeal = 1 << 20

// TrimmedPart returns the piece of a text between two offsets, without the white space around
// it.
func TrimmedPart(text string, start, end int) script.Part {
	piece := text[start:end]
	trimmed := strings.TrimLeft(piece, " \t\r\n\f\v")
	start += len(piece) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, " \t\r\n\f\v")
	return script.Part{SQL: trimmed, Start: start}
}
