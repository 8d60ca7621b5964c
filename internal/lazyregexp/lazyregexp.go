// Package lazyregexp has regular expressions that are compiled when they are first used. A run needs few of the patterns
// of all languages and tools, and compiling every one took most of the time in which the program starts.
package lazyregexp

import (
	"regexp"
	"sync"
	"unsafe"
)

// Regexp is a regular expression of [regexp], whose methods it has. It may be used by several goroutines.
type Regexp struct {
	pattern  string
	compile  sync.Once
	compiled *regexp.Regexp
	read     sync.Once
	filter   filter
}

// never matches nothing.
var never = New(`\A[^\s\S]`)

// New returns the regular expression of a pattern. It panics at its first use if the pattern is wrong, and a test of the project
// compiles each. It does so little that the compiler of Go does it: a thousand patterns take no time at the start.
func New(pattern string) *Regexp { return &Regexp{pattern: pattern} }

// String returns the pattern.
func (r *Regexp) String() string { return r.pattern }

func (r *Regexp) once() *regexp.Regexp {
	r.compile.Do(func() { r.compiled = regexp.MustCompile(r.pattern) })
	return r.compiled
}

// in returns what answers for a text: an expression without a match if that is certain.
func (r *Regexp) in(text string) *regexp.Regexp {
	r.read.Do(func() { r.filter = readFilter(r.pattern) })
	if r.filter.excludes(text) {
		return never.once()
	}
	return r.once()
}

func (r *Regexp) inBytes(text []byte) *regexp.Regexp {
	return r.in(unsafe.String(unsafe.SliceData(text), len(text))) // it is not kept
}

// The methods of [regexp.Regexp].

func (r *Regexp) Match(b []byte) bool                    { return r.inBytes(b).Match(b) }
func (r *Regexp) MatchString(s string) bool              { return r.in(s).MatchString(s) }
func (r *Regexp) FindString(s string) string             { return r.in(s).FindString(s) }
func (r *Regexp) FindStringIndex(s string) []int         { return r.in(s).FindStringIndex(s) }
func (r *Regexp) FindStringSubmatch(s string) []string   { return r.in(s).FindStringSubmatch(s) }
func (r *Regexp) FindStringSubmatchIndex(s string) []int { return r.in(s).FindStringSubmatchIndex(s) }
func (r *Regexp) FindAllString(s string, n int) []string { return r.in(s).FindAllString(s, n) }
func (r *Regexp) FindAllStringIndex(s string, n int) [][]int {
	return r.in(s).FindAllStringIndex(s, n)
}
func (r *Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	return r.in(s).FindAllStringSubmatch(s, n)
}
func (r *Regexp) FindAllStringSubmatchIndex(s string, n int) [][]int {
	return r.in(s).FindAllStringSubmatchIndex(s, n)
}
func (r *Regexp) Find(b []byte) []byte                 { return r.inBytes(b).Find(b) }
func (r *Regexp) FindIndex(b []byte) []int             { return r.inBytes(b).FindIndex(b) }
func (r *Regexp) FindSubmatch(b []byte) [][]byte       { return r.inBytes(b).FindSubmatch(b) }
func (r *Regexp) FindSubmatchIndex(b []byte) []int     { return r.inBytes(b).FindSubmatchIndex(b) }
func (r *Regexp) FindAll(b []byte, n int) [][]byte     { return r.inBytes(b).FindAll(b, n) }
func (r *Regexp) FindAllIndex(b []byte, n int) [][]int { return r.inBytes(b).FindAllIndex(b, n) }
func (r *Regexp) FindAllSubmatch(b []byte, n int) [][][]byte {
	return r.inBytes(b).FindAllSubmatch(b, n)
}
func (r *Regexp) FindAllSubmatchIndex(b []byte, n int) [][]int {
	return r.inBytes(b).FindAllSubmatchIndex(b, n)
}
func (r *Regexp) ReplaceAllString(s, repl string) string { return r.in(s).ReplaceAllString(s, repl) }
func (r *Regexp) ReplaceAllLiteralString(s, repl string) string {
	return r.in(s).ReplaceAllLiteralString(s, repl)
}
func (r *Regexp) ReplaceAllStringFunc(s string, f func(string) string) string {
	return r.in(s).ReplaceAllStringFunc(s, f)
}
func (r *Regexp) ReplaceAll(b, repl []byte) []byte { return r.inBytes(b).ReplaceAll(b, repl) }
func (r *Regexp) ReplaceAllFunc(b []byte, f func([]byte) []byte) []byte {
	return r.inBytes(b).ReplaceAllFunc(b, f)
}
func (r *Regexp) Split(s string, n int) []string { return r.in(s).Split(s, n) }
func (r *Regexp) ExpandString(to []byte, template, s string, match []int) []byte {
	return r.once().ExpandString(to, template, s, match)
}
