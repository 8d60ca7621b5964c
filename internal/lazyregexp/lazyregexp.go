// Package lazyregexp has regular expressions that are compiled when they are first used. A run needs few of the patterns
// of all languages and tools, and compiling every one took most of the time in which the program starts.
package lazyregexp

import (
	"os"
	"regexp"
	"strings"
	"sync"
)

// Regexp is a regular expression of [regexp], whose methods it has. It may be used by several goroutines.
type Regexp struct {
	once    func() *regexp.Regexp
	pattern string
}

// inTest is set in the tests' programs, in which a pattern that is wrong must be noticed without being used.
var inTest = len(os.Args) > 0 && strings.HasSuffix(strings.TrimSuffix(os.Args[0], ".exe"), ".test")

// New returns the regular expression of a pattern. It panics at its first use if the pattern is wrong.
func New(pattern string) *Regexp {
	r := &Regexp{pattern: pattern, once: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })}
	if inTest {
		r.once()
	}
	return r
}

// String returns the pattern.
func (r *Regexp) String() string { return r.pattern }

// The methods of [regexp.Regexp].

func (r *Regexp) Match(b []byte) bool                    { return r.once().Match(b) }
func (r *Regexp) MatchString(s string) bool              { return r.once().MatchString(s) }
func (r *Regexp) FindString(s string) string             { return r.once().FindString(s) }
func (r *Regexp) FindStringIndex(s string) []int         { return r.once().FindStringIndex(s) }
func (r *Regexp) FindStringSubmatch(s string) []string   { return r.once().FindStringSubmatch(s) }
func (r *Regexp) FindStringSubmatchIndex(s string) []int { return r.once().FindStringSubmatchIndex(s) }
func (r *Regexp) FindAllString(s string, n int) []string { return r.once().FindAllString(s, n) }
func (r *Regexp) FindAllStringIndex(s string, n int) [][]int {
	return r.once().FindAllStringIndex(s, n)
}
func (r *Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	return r.once().FindAllStringSubmatch(s, n)
}
func (r *Regexp) FindAllStringSubmatchIndex(s string, n int) [][]int {
	return r.once().FindAllStringSubmatchIndex(s, n)
}
func (r *Regexp) Find(b []byte) []byte                       { return r.once().Find(b) }
func (r *Regexp) FindIndex(b []byte) []int                   { return r.once().FindIndex(b) }
func (r *Regexp) FindSubmatch(b []byte) [][]byte             { return r.once().FindSubmatch(b) }
func (r *Regexp) FindSubmatchIndex(b []byte) []int           { return r.once().FindSubmatchIndex(b) }
func (r *Regexp) FindAll(b []byte, n int) [][]byte           { return r.once().FindAll(b, n) }
func (r *Regexp) FindAllIndex(b []byte, n int) [][]int       { return r.once().FindAllIndex(b, n) }
func (r *Regexp) FindAllSubmatch(b []byte, n int) [][][]byte { return r.once().FindAllSubmatch(b, n) }
func (r *Regexp) FindAllSubmatchIndex(b []byte, n int) [][]int {
	return r.once().FindAllSubmatchIndex(b, n)
}
func (r *Regexp) ReplaceAllString(s, repl string) string { return r.once().ReplaceAllString(s, repl) }
func (r *Regexp) ReplaceAllLiteralString(s, repl string) string {
	return r.once().ReplaceAllLiteralString(s, repl)
}
func (r *Regexp) ReplaceAllStringFunc(s string, f func(string) string) string {
	return r.once().ReplaceAllStringFunc(s, f)
}
func (r *Regexp) ReplaceAll(b, repl []byte) []byte { return r.once().ReplaceAll(b, repl) }
func (r *Regexp) ReplaceAllFunc(b []byte, f func([]byte) []byte) []byte {
	return r.once().ReplaceAllFunc(b, f)
}
func (r *Regexp) Split(s string, n int) []string { return r.once().Split(s, n) }
func (r *Regexp) ExpandString(to []byte, template, s string, match []int) []byte {
	return r.once().ExpandString(to, template, s, match)
}
