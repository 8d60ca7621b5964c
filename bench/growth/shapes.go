//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// shape is a kind of input that comes in any size.
type shape struct {
	name string
	n    int // of the smallest size
	make func(in *input, n int)
}

// shapes are all that is measured.
func shapes() []shape {
	return slices.Concat(statements(), parts(), chains(), files(), outputs())
}

// input is a shape in one size: the files below dir, and the arguments for
// onward.
type input struct {
	dir    string
	onward string
	args   []string
	bytes  int64

	ctx  context.Context
	err  error
	open *os.File
	w    *bufio.Writer
}

// write makes the files.
func (in *input) write(ctx context.Context, sh shape, n int) error {
	in.ctx = ctx
	sh.make(in, n)
	in.close()
	return in.err
}

// file begins a file: what is printed from now on goes there.
func (in *input) file(name string) {
	in.close()
	if in.err != nil {
		return
	}
	path := filepath.Join(in.dir, name)
	if in.err = os.MkdirAll(filepath.Dir(path), 0o755); in.err != nil {
		return
	}
	if in.open, in.err = os.Create(path); in.err == nil {
		in.w = bufio.NewWriterSize(in.open, 1<<16)
	}
}

func (in *input) close() {
	if in.open == nil {
		return
	}
	if err := in.w.Flush(); in.err == nil {
		in.err = err
	}
	if err := in.open.Close(); in.err == nil {
		in.err = err
	}
	in.open = nil
}

// print adds to the file.
func (in *input) print(text string) {
	if in.err == nil {
		_, in.err = in.w.WriteString(text)
		in.bytes += int64(len(text))
	}
}

// each adds n times a text; #: stands for the number, which counts from 0, #+ for
// the one behind it.
func (in *input) each(n int, text string) {
	for i := range n {
		in.print(numbered(text, i))
	}
}

func numbered(text string, i int) string {
	if !strings.Contains(text, "#") {
		return text
	}
	return strings.NewReplacer("#:", fmt.Sprint(i), "#+", fmt.Sprint(i+1)).Replace(text)
}

// joined adds n times a text with a separator between them.
func (in *input) joined(n int, text, separator string) {
	for i := range n {
		if i > 0 {
			in.print(separator)
		}
		in.print(numbered(text, i))
	}
}

// one is the shape of one file that onward check reads.
func one(name string, n int, make func(in *input, n int), args ...string) shape {
	return shape{name, n, func(in *input, n int) {
		in.file("1.sql")
		make(in, n)
		in.args = append([]string{"check", "1.sql"}, args...)
	}}
}

// many is one file with one kind of statement, n times, behind others.
func many(name string, n int, before, text string, args ...string) shape {
	return one(name, n, func(in *input, n int) {
		in.print(before)
		in.each(n, text)
	}, args...)
}

// list is one statement with n parts.
func list(name string, n int, before, part, separator, after string) shape {
	return one(name, n, func(in *input, n int) {
		in.print(before)
		in.joined(n, part, separator)
		in.print(after)
	})
}
