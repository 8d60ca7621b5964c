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

// shape is a kind of input that can have any size, such as a file with n CREATE TABLE statements.
type shape struct {
	name string
	n    int // of statements, parts or files in the smallest size
	make func(in *input, n int)
}

// allShapes are all that is measured.
func allShapes() []shape {
	return slices.Concat(statementShapes(), partShapes(), chainShapes(), fileShapes(), outputShapes())
}

// input is a shape in one size: the files below dir, and the arguments for
// onward.
type input struct {
	dir    string
	onward string // the program
	args   []string
	bytes  int64

	ctx  context.Context
	err  error
	open *os.File
	w    *bufio.Writer
}

// writeInput makes the files.
func (in *input) writeInput(ctx context.Context, sh shape, n int) error {
	in.ctx = ctx
	sh.make(in, n)
	in.closeFile()
	return in.err
}

// beginFile begins a file, to which all later texts are added.
func (in *input) beginFile(name string) {
	in.closeFile()
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

func (in *input) closeFile() {
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

// printText adds to the file.
func (in *input) printText(text string) {
	if in.err == nil {
		_, in.err = in.w.WriteString(text)
		in.bytes += int64(len(text))
	}
}

// printEach adds a text n times. In the text, #: is replaced by the number, which counts from
// 0, and #+ by the next number: "CREATE TABLE t#:;" gives CREATE TABLE t0; CREATE TABLE t1; …
func (in *input) printEach(n int, text string) {
	for i := range n {
		in.printText(insertNumber(text, i))
	}
}

func insertNumber(text string, i int) string {
	if !strings.Contains(text, "#") {
		return text
	}
	return strings.NewReplacer("#:", fmt.Sprint(i), "#+", fmt.Sprint(i+1)).Replace(text)
}

// printJoined adds n times a text with a separator between them.
func (in *input) printJoined(n int, text, separator string) {
	for i := range n {
		if i > 0 {
			in.printText(separator)
		}
		in.printText(insertNumber(text, i))
	}
}

// oneFile is the shape of one file that onward check reads.
func oneFile(name string, n int, make func(in *input, n int), args ...string) shape {
	return shape{name, n, func(in *input, n int) {
		in.beginFile("1.sql")
		make(in, n)
		in.args = append([]string{"check", "1.sql"}, args...)
	}}
}

// manyStatements is one file with n statements of one kind, after a first text.
func manyStatements(name string, n int, before, text string, args ...string) shape {
	return oneFile(name, n, func(in *input, n int) {
		in.printText(before)
		in.printEach(n, text)
	}, args...)
}

// manyParts is one statement with n parts.
func manyParts(name string, n int, before, part, separator, after string) shape {
	return oneFile(name, n, func(in *input, n int) {
		in.printText(before)
		in.printJoined(n, part, separator)
		in.printText(after)
	})
}
