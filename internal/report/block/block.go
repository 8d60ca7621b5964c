// Package block has the parts of a document for people. Their text is raw: a renderer escapes it, in one place.
package block

import "github.com/onward-sql/onward/onward"

// Tone says how a text is meant. Colour is never its only carrier.
type Tone uint8

// The tones.
const (
	Ordinary Tone = iota
	Strong
	Faint
	Good
	Info
	Warning
	Error
)

// SeverityTone returns the tone of a severity.
func SeverityTone(s onward.Severity) Tone {
	switch s {
	case onward.Error:
		return Error
	case onward.Warning:
		return Warning
	}
	return Info
}

// Kind says what a part of a line is.
type Kind uint8

// The kinds.
const (
	Plain Kind = iota
	// Code is a name, or SQL on one line.
	Code
	// Path is the place of a file, from the repository's root.
	Path
	// Gap is the blank between two parts of a line.
	Gap
)

// Span is a part of a line. Width is in columns: longer code is cut; 0 is no limit.
type Span struct {
	Kind  Kind
	Text  string
	Width int
}

// Text is one line. Runs of white space in it are one blank.
type Text []Span

// Say returns a line of plain words.
func Say(words string) Text { return Text{}.Say(words) }

// Say adds plain words. Neighbours become one span, so that a renderer sees all of them at once.
func (t Text) Say(words string) Text {
	if n := len(t); n > 0 && t[n-1].Kind == Plain {
		t[n-1].Text += words
		return t
	}
	return append(t, Span{Text: words})
}

// Code adds a name or SQL.
func (t Text) Code(code string) Text { return append(t, Span{Kind: Code, Text: code}) }

// Cut adds SQL that is cut to a width.
func (t Text) Cut(sql string, width int) Text { return append(t, Span{Code, sql, width}) }

// Path adds the place of a file.
func (t Text) Path(place string) Text { return append(t, Span{Kind: Path, Text: place}) }

// Gap separates what follows.
func (t Text) Gap() Text { return append(t, Span{Kind: Gap}) }

// Block is a part of a document: a [Heading], a [Paragraph] or a [List].
type Block interface{ isBlock() }

// Heading begins a section. After follows it on its line.
type Heading struct{ Text, After Text }

// Paragraph is a text of its own; with Attached, it belongs to the block above it.
type Paragraph struct {
	Text     Text
	Tone     Tone
	Attached bool
}

// List is a list of items. A terminal indents it by Depth steps, and aligns its labels in Width columns.
type List struct {
	Depth, Width int
	Items        []Item
}

// Item is an item of a list, with lines below it that explain it. Rest is set if it counts the items that are not shown.
type Item struct {
	Label string
	Mark  Tone // of the label
	Text  Text
	Tone  Tone
	Below []Line
	Rest  bool
}

// Line is a line below an item. A terminal cuts it instead of breaking it if Cut is set.
type Line struct {
	Text Text
	Tone Tone
	Cut  bool
}

func (Heading) isBlock()   {}
func (Paragraph) isBlock() {}
func (List) isBlock()      {}
