package pycode

import "strings"

// Text is a constant text of a program.
type Text struct {
	Value string
	// Start is where the value begins in the program if it is there letter by letter, else -1.
	Start int
}

// Constants are the names of constant texts.
type Constants struct {
	texts map[string]Text
	// joined counts the bytes of texts that were put together.
	joined int
}

// maxJoined bounds the texts of a program that are put together, maxBrackets the brackets around one.
const (
	maxJoined   = 16 << 20
	maxBrackets = 20
)

// NewConstants returns an empty list.
func NewConstants() *Constants { return &Constants{texts: map[string]Text{}} }

// Assign keeps the value of a line such as NAME = "text". A name that gets another value is no constant.
func (c *Constants) Assign(line Line) {
	t := line.Tokens
	if len(t) < 3 || t[0].Kind != Word || t[1].Text != "=" {
		return
	}
	value, ok := c.Eval(t[2:])
	if _, exists := c.texts[t[0].Text]; !ok || exists || line.Indent > 0 {
		delete(c.texts, t[0].Text)
		return
	}
	c.texts[t[0].Text] = value
}

// Eval returns the text of an expression: of strings beside each other, with + between them, of names of constants, and in brackets.
func (c *Constants) Eval(tokens []Token) (Text, bool) {
	for range maxBrackets {
		if len(tokens) < 3 || tokens[0].Text != "(" || Closing(tokens, 0) != len(tokens)-1 {
			break
		}
		tokens = tokens[1 : len(tokens)-1]
	}
	if len(tokens) == 1 {
		return c.evalToken(tokens[0])
	}
	var b strings.Builder
	for i, t := range tokens {
		if t.Text == "+" && t.Kind == Symbol && i > 0 && i+1 < len(tokens) {
			continue
		}
		text, ok := c.evalToken(t)
		if c.joined += len(text.Value); !ok || c.joined > maxJoined {
			return Text{}, false
		}
		b.WriteString(text.Value)
	}
	return Text{b.String(), -1}, len(tokens) > 0
}

// evalToken returns the text of a string or of a name.
func (c *Constants) evalToken(t Token) (Text, bool) {
	if t.Kind == Literal {
		value, start, ok := t.StringValue()
		return Text{value, start}, ok
	}
	text, ok := c.texts[t.Text]
	return text, ok && t.Kind == Word
}

// Closing returns the index of the bracket that closes the one at an index; -1 for none.
func Closing(tokens []Token, start int) int {
	depth := 0
	for i := start; i < len(tokens); i++ {
		if tokens[i].Kind != Symbol {
			continue
		}
		switch tokens[i].Text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// SplitItems splits the tokens between two brackets at their commas.
func SplitItems(tokens []Token) (out [][]Token) {
	depth, begin := 0, 0
	for i, t := range tokens {
		if t.Kind != Symbol {
			continue
		}
		switch t.Text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		case ",":
			if depth == 0 {
				out = append(out, tokens[begin:i])
				begin = i + 1
			}
		}
	}
	if begin < len(tokens) {
		out = append(out, tokens[begin:])
	}
	return out
}

// HasWord reports whether a line has one of these names.
func (l Line) HasWord(names ...string) bool {
	for _, t := range l.Tokens {
		if t.Kind != Word {
			continue
		}
		for _, name := range names {
			if t.Text == name {
				return true
			}
		}
	}
	return false
}
