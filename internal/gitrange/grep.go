package gitrange

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of Grep.
const (
	HitsPerWord  = 50        // hits returned for one word
	HitTextRunes = 200       // of a line
	grepLines    = 2_000_000 // matching lines read before giving up
	grepLine     = 16 << 20  // bytes of one line that are looked at
)

// Hit is a line that contains a word.
type Hit struct {
	Word   string
	Path   string
	Line   int    // from 1
	Column int    // of the first occurrence in the line, in bytes from 1
	Text   string // the line without surrounding space, cut around the word to HitTextRunes
}

// Grep finds lines that contain any of words, at a revision; with rev empty, in
// the working tree with its untracked files. Words are fixed strings, compared
// by case, that stand alone: letters, digits, underscore and all non-ASCII
// characters continue a word. Binary files (NUL in the first 8,000 bytes) are
// passed over; attributes that call a text binary are not heeded, for generated
// code is evidence, too. exclude holds glob patterns from the root ("**/migrations",
// "docs/*.md"); one that names a directory leaves out all below it.
//
// Hits are sorted by path and line, at most HitsPerWord for a word. Words that
// are empty or contain a line end or NUL have none.
//
// Errors: [*RefusedRevisionError], [*UnknownRevisionError],
// [*MissingObjectsError]; [*GrepLimitError] comes with the hits so far.
func (r *Repo) Grep(ctx context.Context, rev string, words []string, exclude []string) ([]Hit, error) {
	patterns := patterns(words)
	var tree Tree
	var err error
	id := ""
	if rev == "" {
		tree, err = r.workingTree(ctx)
	} else {
		var c named
		if c, err = r.resolve(ctx, rev); err == nil {
			id = c.id
			tree, err = r.tree(ctx, c)
		}
	}
	if err != nil || len(patterns) == 0 {
		return nil, err
	}
	args := []string{"grep", "-z", "-n", "--column", "-a", "-F", "-w", "--no-color", "--full-name", "--no-textconv", "--no-recurse-submodules", "-f", "-"}
	if rev == "" {
		args = append(args, "--untracked", "--exclude-standard")
	} else {
		args = append(args, id)
	}
	args = append(args, "--", ":(top)")
	for _, glob := range exclude {
		// A pattern with wildcards does not by itself cover what is below a directory.
		not := ":(top,exclude,glob)" + strings.TrimSuffix(glob, "/")
		args = append(args, not, not+"/**")
	}
	search := newSearch(patterns, tree)
	if id != "" {
		search.prefix = id + ":"
	}
	err = r.runGrep(ctx, args, strings.Join(patterns, "\n")+"\n", search)
	if err != nil && r.partial && missingObject(err) {
		return nil, &MissingObjectsError{Rev: tree.Name(), Run: r.fetchObjects()}
	}
	if _, limit := errors.AsType[*GrepLimitError](err); err != nil && !limit {
		return nil, fmt.Errorf("search %s: %w", tree.Name(), err)
	}
	slices.SortStableFunc(search.hits, func(a, b Hit) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return search.hits, err
}

// patterns drops the words that git would take for something else.
func patterns(words []string) []string {
	var kept []string
	seen := map[string]bool{}
	for _, w := range words {
		if w != "" && !strings.ContainsAny(w, "\x00\n\r") && !seen[w] {
			seen[w] = true
			kept = append(kept, w)
		}
	}
	return kept
}

func (r *Repo) runGrep(ctx context.Context, args []string, stdin string, search *search) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := r.git.command(ctx, args...)
	var said excerpt
	cmd.Stdin, cmd.Stderr = strings.NewReader(stdin), &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return gitFailure(ctx, err, "", args)
	}
	readErr := search.read(bufio.NewReaderSize(out, 64<<10))
	if readErr != nil || search.done() {
		cancel() // the rest is not wanted; the exit code then says nothing
		_ = cmd.Wait()
		return readErr
	}
	if err := cmd.Wait(); err != nil {
		err = gitFailure(ctx, err, said.String(), args)
		if failedWith(err, 1) && strings.TrimSpace(said.String()) == "" {
			return nil // nothing matched
		}
		return err
	}
	if missingObjectText(said.String()) {
		return &GitError{Args: args, Stderr: said.String()}
	}
	return nil
}

// search collects the hits of one git grep.
type search struct {
	tree   Tree
	prefix string         // before every path: "<id>:" for a commit
	left   map[string]int // hits still wanted, by word
	odd    []string       // words that are not one run of word characters
	hits   []Hit
	binary map[string]bool
}

func newSearch(words []string, tree Tree) *search {
	s := &search{tree: tree, left: map[string]int{}, binary: map[string]bool{}}
	for _, w := range words {
		s.left[w] = HitsPerWord
		if strings.IndexFunc(w, func(c rune) bool { return c < utf8.RuneSelf && !wordByte(byte(c)) }) >= 0 {
			s.odd = append(s.odd, w)
		}
	}
	return s
}

// done says whether no word needs another hit.
func (s *search) done() bool { return len(s.left) == 0 }

// read takes records of "path NUL line NUL column NUL text LF"; older versions
// of git put colons for the last two NULs.
func (s *search) read(out *bufio.Reader) error {
	for lines := 0; !s.done(); lines++ {
		path, err := out.ReadString(0)
		if errors.Is(err, io.EOF) && path == "" {
			return nil
		}
		if err != nil {
			return fmt.Errorf("git grep output ends inside a record: %w", err)
		}
		if lines == grepLines {
			return &GrepLimitError{Lines: lines}
		}
		line, err := number(out)
		if err != nil {
			return err
		}
		if _, err := number(out); err != nil {
			return err
		}
		text, err := readLine(out)
		if err != nil {
			return fmt.Errorf("git grep output ends inside a record: %w", err)
		}
		s.match(strings.TrimPrefix(path[:len(path)-1], s.prefix), line, text)
	}
	return nil
}

// number reads digits and the separator after them.
func number(in *bufio.Reader) (int, error) {
	var digits []byte
	for len(digits) < 12 {
		c, err := in.ReadByte()
		if err != nil {
			return 0, fmt.Errorf("git grep output ends inside a record: %w", err)
		}
		if c == 0 || c == ':' {
			return strconv.Atoi(string(digits))
		}
		digits = append(digits, c)
	}
	return 0, fmt.Errorf("git grep printed an unknown number %q", digits)
}

// readLine reads up to the line end, and keeps the first grepLine bytes.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part[:min(len(part), grepLine-len(line))]...)
		if err == nil {
			return bytes.TrimRight(line, "\r\n"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
}

// match adds a hit for each wanted word of a line.
func (s *search) match(path string, line int, text []byte) {
	var found map[string]bool
	hit := func(word string, at int) {
		if found[word] || s.isBinary(path) {
			return
		}
		if found == nil {
			found = map[string]bool{}
		}
		found[word] = true
		s.hits = append(s.hits, Hit{Word: word, Path: path, Line: line, Column: at + 1, Text: cut(text, at, at+len(word))})
		if s.left[word]--; s.left[word] == 0 {
			delete(s.left, word)
			s.odd = slices.DeleteFunc(s.odd, func(w string) bool { return w == word })
		}
	}
	for i := 0; i < len(text); {
		if !wordByte(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && wordByte(text[i]) {
			i++
		}
		if _, wanted := s.left[string(text[start:i])]; wanted {
			hit(string(text[start:i]), start)
		}
	}
	for _, w := range slices.Clone(s.odd) {
		if at := standsAlone(text, w); at >= 0 {
			hit(w, at)
		}
	}
}

// wordByte says whether c continues a word. Bytes of non-ASCII characters do:
// a column named "gr" is not in "größe".
func wordByte(c byte) bool {
	return c == '_' || c >= utf8.RuneSelf || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// standsAlone finds word where no word character touches its ends.
func standsAlone(text []byte, word string) int {
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte(word))
		if i < 0 {
			return -1
		}
		at, end := from+i, from+i+len(word)
		if (at == 0 || !wordByte(text[at-1]) || !wordByte(word[0])) && (end == len(text) || !wordByte(text[end]) || !wordByte(word[len(word)-1])) {
			return at
		}
		from = at + 1
	}
}

// isBinary decides as git does: a NUL near the start. A file that cannot be
// read counts as text; the hit is then all that is known.
func (s *search) isBinary(path string) bool {
	is, known := s.binary[path]
	if !known {
		data, err := s.tree.Read(path)
		is = err == nil && bytes.IndexByte(data[:min(8000, len(data))], 0) >= 0
		s.binary[path] = is
	}
	return is
}

// cut returns the line for people: valid UTF-8, without surrounding space, and
// no longer than HitTextRunes around the word at text[from:to].
func cut(text []byte, from, to int) string {
	// Enough bytes on both sides for the runes that may be kept.
	const reach = HitTextRunes * utf8.UTFMax
	low, high := max(0, from-reach), min(len(text), to+reach)
	for low < from && low > 0 && !utf8.RuneStart(text[low]) {
		low++
	}
	before := []rune(strings.TrimLeft(strings.ToValidUTF8(string(text[low:from]), "\uFFFD"), " \t"))
	rest := []rune(strings.TrimRight(strings.ToValidUTF8(string(text[from:high]), "\uFFFD"), " \t"))
	if len(before)+len(rest) <= HitTextRunes {
		return string(before) + string(rest)
	}
	// The start of the line if the word is in it, else the word with some context.
	word := utf8.RuneCount(text[from:to])
	if skip := len(before) + word - HitTextRunes; skip > 0 {
		before = before[min(len(before), max(skip, len(before)-HitTextRunes/4)):]
	}
	return string(before) + string(rest[:min(len(rest), max(0, HitTextRunes-len(before)))])
}
