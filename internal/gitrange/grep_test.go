package gitrange

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func found(t *testing.T, r *Repo, rev string, words, exclude []string) []string {
	t.Helper()
	hits, err := r.Grep(t.Context(), rev, words, exclude)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, h := range hits {
		all = append(all, fmt.Sprintf("%s:%d:%d %s: %s", h.Path, h.Line, h.Column, h.Word, h.Text))
	}
	return all
}

func TestGrep(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("app/models.py", "class User:\n\tnickname = Text()  \r\n\tnickname_old = 1\n\tx.nickname.y, nickname, surname\n")
	f.write("app/generated.py", "nickname\n")
	f.write(".gitattributes", "app/generated.py -diff\n*.bin diff=text\n")
	f.write("app/image.bin", "\x00\x01 nickname \n nickname\n")
	f.write("app/migrations/0001.py", "nickname\n")
	f.write("docs/a [1].md", "nickname\n")
	f.write("new\nline:7:\tü.py", "größe gr\nmy-col xmy-col my-col2 -x\n")
	f.link("app/models.py", "link.py")
	f.commit("first")
	f.write("app/models.py", "working nickname\n")
	f.write("untracked.py", "nickname\n")
	r := open(t, f.path("app"))

	same(t, found(t, r, "main", []string{"nickname", "surname", "nowhere"}, []string{"**/migrations/", "docs/*.md"}), []string{
		"app/generated.py:1:1 nickname: nickname",
		"app/models.py:2:2 nickname: nickname = Text()",
		"app/models.py:4:4 nickname: x.nickname.y, nickname, surname",
		"app/models.py:4:26 surname: x.nickname.y, nickname, surname",
	})
	same(t, found(t, r, "main", []string{"nickname"}, []string{"app"}), []string{"docs/a [1].md:1:1 nickname: nickname"})
	same(t, found(t, r, "main", []string{"nickname"}, []string{"app", `docs/a \[1\].md`}), []string(nil))
	odd := "new\nline:7:\tü.py"
	same(t, found(t, r, "main", []string{"gr", "größe", "my-col", "-x", "", "a\nb", "NICKNAME"}, nil), []string{
		odd + ":1:1 größe: größe gr",
		odd + ":1:9 gr: größe gr",
		odd + ":2:1 my-col: my-col xmy-col my-col2 -x",
		odd + ":2:24 -x: my-col xmy-col my-col2 -x",
	})
	same(t, found(t, r, "", []string{"nickname"}, []string{"app/migrations", "docs"}), []string{
		"app/generated.py:1:1 nickname: nickname",
		"app/models.py:1:9 nickname: working nickname",
		"untracked.py:1:1 nickname: nickname",
	})
	same(t, found(t, r, "main", nil, nil), []string(nil))
	same(t, found(t, r, "main", []string{""}, nil), []string(nil))
}

func TestGrepLimits(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a.py", strings.Repeat("common\n", 3*HitsPerWord))
	f.write("b.py", strings.Repeat("ü", 500)+" common rare "+strings.Repeat("ö", 500))
	f.commit("first")
	r := open(t, f.dir)
	hits, err := r.Grep(t.Context(), "main", []string{"common", "rare"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, len(hits), HitsPerWord+1)
	last := hits[len(hits)-1]
	same(t, []any{last.Word, last.Path, last.Column}, []any{"rare", "b.py", 1009})
	if n := utf8.RuneCountInString(last.Text); n != HitTextRunes || !strings.Contains(last.Text, "rare") || !utf8.ValidString(last.Text) {
		t.Errorf("%d runes: %q", n, last.Text)
	}

	tree := commitOf(t, r, "main")
	endless := bufio.NewReader(strings.NewReader(strings.Repeat("a.py\x001\x001\x00other\n", grepLines+1)))
	limit := failsAs[*GrepLimitError](t, newSearch([]string{"word"}, tree).read(endless))
	same(t, limit.Lines, grepLines)
}

func TestGrepOutputOfOlderGit(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a:1.py", "x word: 1\n")
	f.commit("first")
	tree := commitOf(t, open(t, f.dir), "main")
	for _, out := range []string{"id:a:1.py\x001\x003\x00x word: 1\n", "id:a:1.py\x001:3:x word: 1\n"} {
		s := newSearch([]string{"word"}, tree)
		s.prefix = "id:"
		if err := s.read(bufio.NewReader(strings.NewReader(out))); err != nil {
			t.Fatal(err)
		}
		same(t, s.hits, []Hit{{Word: "word", Path: "a:1.py", Line: 1, Column: 3, Text: "x word: 1"}})
	}
	for _, out := range []string{"a", "a\x00", "a\x001", "a\x00x\x001\x00t\n", "a\x001\x001\x00no end", "a\x001111111111111\x001\x00t\n"} {
		if err := newSearch([]string{"word"}, tree).read(bufio.NewReader(strings.NewReader(out))); err == nil {
			t.Errorf("accepted %q", out)
		}
	}
}

func TestCutKeepsTheWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, word, after string }{
		{"", "w", ""}, {"  a ", "w", " b  "}, {strings.Repeat("a", 199), "w", "b"}, {strings.Repeat("a", 200), "w", "b"},
		{strings.Repeat("界", 900), "w", strings.Repeat("界", 900)}, {"\xff\xfe", "w", "\xff"}, {"", strings.Repeat("w", 300), ""},
		{strings.Repeat("a", 5000), "w", ""}, {"", "w", strings.Repeat("a", 5000)},
	} {
		line := c.before + c.word + c.after
		got := cut([]byte(line), len(c.before), len(c.before)+len(c.word))
		if n := utf8.RuneCountInString(got); n > HitTextRunes || !utf8.ValidString(got) || !strings.Contains(got, c.word[:1]) {
			t.Errorf("%.40q…: %d runes, %q", line, n, got)
		}
		if utf8.RuneCountInString(line) <= HitTextRunes && utf8.ValidString(line) {
			same(t, got, strings.TrimSpace(line))
		}
	}
}
