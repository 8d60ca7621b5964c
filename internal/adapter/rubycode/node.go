package rubycode

// nodeKind is the kind of a [node].
type nodeKind byte

// The kinds of nodes.
const (
	// nodeUnknown is an expression that is not read.
	nodeUnknown nodeKind = iota
	// nodeText is a string with its pieces as items: texts and expressions. nodeTextPart is a constant piece.
	nodeText
	nodeTextPart
	nodeSymbol
	nodeNumber
	// nodeWord is true, false, nil or self.
	nodeWord
	nodeList
	// nodeHash has its keys and values as items, in turns; a key is nil before a value that is spread. bare is set if it has no braces.
	nodeHash
	// nodeConst is a constant: Foo::Bar.
	nodeConst
	// nodeCall has receiver, name, items (its arguments) and block. A name without arguments is one, too.
	nodeCall
	nodeLambda
	// nodeIf has condition, body and otherwise; nodeLoop has condition and body.
	nodeIf
	nodeLoop
	// nodeBegin is begin … end. It has body, and as items the bodies of rescue, else and ensure.
	nodeBegin
	// nodeAssign has the target in receiver and the value in items[0]. name is its operator: "=", "+=".
	nodeAssign
	// nodeDef is a method. It has name, block for its parameters and body, and receiver for def self.x.
	nodeDef
	// nodeClass has name, the class that it extends in receiver, and body.
	nodeClass
	// nodeLeave is return, next, break or raise, by its name.
	nodeLeave
	// nodeNot, nodeAnd, nodeOr and nodeOperation have items.
	nodeNot
	nodeAnd
	nodeOr
	nodeOperation
	// nodeSplat is *a, nodeSpread is **a, nodeBlockPass is &a.
	nodeSplat
	nodeSpread
	nodeBlockPass
)

// node is a piece of a program.
type node struct {
	kind nodeKind
	// name is a name, a symbol, a number, a word or an operator; value is a constant text.
	name, value     string
	receiver        *node
	items           []*node
	condition       *node
	body, otherwise []*node
	block           *Block
	bare            bool
	// hasParentheses is set for a call with parentheses, even if they are empty.
	hasParentheses bool

	// start and end are its offsets. raw is set if the program has the bytes of the text from content on.
	start, end, content int
	raw                 bool
}

// Block is {…}, do … end, or the body of a method.
type Block struct {
	parameters []parameter
	body       []*node
}

// parameter is a parameter of a block or a method. kind is 0, or one of '*', 'k' for a name with a colon, '&', and '(' for a pattern.
type parameter struct {
	name  string
	kind  byte
	value *node
}
