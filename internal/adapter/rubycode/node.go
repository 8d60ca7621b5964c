package rubycode

// nodeKind is the kind of a [node].
type nodeKind byte

// The kinds of nodes.
const (
	// Unknown is an expression that is not read.
	nodeUnknown nodeKind = iota
	// Text has its pieces as items: texts and expressions. TextPart is a constant piece.
	nodeText
	nodeTextPart
	nodeSymbol
	nodeNumber
	// Word is true, false, nil or self.
	nodeWord
	nodeList
	// Hash has its keys and values as items, in turns; a key is nil before a value that is spread. Bare is set if it has no braces.
	nodeHash
	// Const is Foo::Bar.
	nodeConst
	// Call has Receiver, Name, Items and Block. A name without arguments is one, too.
	nodeCall
	nodeLambda
	// If has Condition, Body and Else; Loop has Condition and Body.
	nodeIf
	nodeLoop
	// Begin has Body, and as Items the bodies of rescue, else and ensure.
	nodeBegin
	// Assign has the target in Receiver and the value in Items[0]. Name is its operator.
	nodeAssign
	// Def has Name, Block for its parameters and body, and Receiver for def self.x.
	nodeDef
	// Class has Name, the class above it in Receiver, and Body.
	nodeClass
	// Leave is return, next, break or raise, by its name.
	nodeLeave
	// Not, And, Or and Operation have Items.
	nodeNot
	nodeAnd
	nodeOr
	nodeOperation
	// Splat is *a, Spread is **a, BlockPass is &a.
	nodeSplat
	nodeSpread
	nodeBlockPass
)

// Node is a piece of a program.
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
