package read_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/read"
	"github.com/onward-sql/onward/internal/code/source"
)

// codePieces are the beginnings and ends of the texts, comments, calls and declarations that some reader follows.
var codePieces = strings.Split("\n| |\"|'|`|${|}|#{|{|(|)|[|]|,|;|.|->|::|+|=|<|>|\\|//|/*|*/|#|--|<<~SQL\n|SQL\n|r#\"|\"#|@\"|$\"|f\"|\"\"\"|'''|:a|a|b|/|"+
	"`a ${|`}`|.where(|.insert(|.delete()|knex('a')|from(`a`|.from(\"a\")|select * from a|insert into a (b)|update a set b = 1|=> |x = |x += |"+
	"enum A {|class A |@Entity()|@Column({|.table('a')|A.init({|schema \"a\" do|field :a|belongs_to :a|has_many :a|$this->hasMany(A::class, |$fillable = [|"+
	"A::where(|struct A {|type A struct {|`db:\"a\"`|Table(|mapped_column(|DbSet<A> |.Property<a>(\"D\")|.Scan(&a)|fmt.Sprintf(|.join(|strings.Join(a, \", \")|"+
	"const a = [|[]string{|self.table_name = |<?php\n|import (|drizzle-orm pgSchema(|ApplicationRecord|extends Model {|sqlalchemy ", "|")

// TestReadersGoForward: whatever a program looks like, each reader goes from each place of it only forward, so that it ends.
func TestReadersGoForward(t *testing.T) {
	t.Parallel()
	for _, ending := range strings.Fields(".go .c .java .cs .ts .py .rb .ex .php .rs .sh .lua .dart .pl") {
		t.Run(ending, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(150) {
				random := rand.New(rand.NewPCG(seed, 0))
				var b strings.Builder
				for range random.IntN(120) {
					b.WriteString(codePieces[random.IntN(len(codePieces))])
				}
				checkForward(t, "a"+ending, b.String())
			}
		})
	}
}

func checkForward(t *testing.T, file, text string) {
	t.Helper()
	r := source.NewFile(file, []byte(text))
	r.Strings, r.Comments = lexer.CutStrings(r.Text, r.Language)
	opened, around := -1, []int{len(text)}
	for i, s := range r.Strings {
		for len(around) > 1 && around[len(around)-1] <= s.Open {
			around = around[:len(around)-1]
		}
		if s.Open <= opened || s.From <= s.Open || s.To < s.From || s.End < s.To || s.End > around[len(around)-1] {
			t.Fatalf("text %d of %q is %+v after one at %d, within one that ends at %d", i, text, s, opened, around[len(around)-1])
		}
		opened, around = s.Open, append(around, s.End)
	}
	for i := range max(len(r.Comments)-1, 0) {
		if r.Comments[i].To > r.Comments[i+1].From {
			t.Fatalf("comments of %q: %v", text, r.Comments)
		}
	}
	for from := range len(text) {
		last, want := from-1, ""
		pass := func(offset int) bool {
			if offset <= last {
				want = fmt.Sprintf("after %d, from %d", last, from)
			}
			last = offset
			return want == ""
		}
		r.EachCode(from, len(text), pass, func(s lexer.String) bool {
			forward := pass(s.Open)
			last = s.End - 1
			return forward
		})
		if want != "" {
			t.Fatalf("EachCode of %q passes %d: want a place %s", text, last, want)
		}
		if end := r.EachEntry(from, func(int, int, string) bool { return true }); end < from {
			t.Fatalf("EachEntry of %q ends at %d, before %d", text, end, from)
		}
	}
	if f := read.Read(file, []byte(text)); f.Fault != "" {
		t.Fatalf("Read(%q) fails: %s", text, f.Fault)
	}
}
