package pgparse

import (
	"reflect"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// CloneTree returns a deep copy of a tree, or nil if it has more than 10,000 nodes.
func CloneTree(n *Node) *Node {
	if n == nil || !isSmallTree(n) {
		return nil
	}
	return proto.Clone(n).(*Node)
}

func isSmallTree(n *Node) bool { return isSmallMessage(n) }

// isSmallMessage is like isSmallTree, for any message that Walk accepts.
func isSmallMessage(msg any) bool {
	count := 0
	Walk(msg, func(any) bool {
		count++
		return count <= maxWalk
	})
	return count <= maxWalk
}

// Equal reports whether two trees are the same except for locations. Trees of more than
// 10,000 nodes are never equal.
func Equal(a, b *Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	if equal, ok := compareSimpleNodes(a, b); ok {
		return equal
	}
	return isSmallTree(a) && isSmallTree(b) && equalMessages(a.ProtoReflect(), b.ProtoReflect())
}

// compareSimpleNodes compares the most frequent expressions in defaults and conditions: constants,
// columns, calls without arguments, and operators, lists and conditions of them. ok is false if only a
// comparison of all fields can decide.
func compareSimpleNodes(a, b *Node) (equal, ok bool) {
	switch x := a.GetNode().(type) {
	case *Node_AConst:
		if y := b.GetAConst(); y != nil {
			return equalConst(x.AConst, y), true
		}
		return false, true
	case *Node_FuncCall:
		y := b.GetFuncCall()
		if y == nil {
			return false, true
		}
		if len(x.FuncCall.Args)+len(y.Args) > 0 || !isPlainCall(x.FuncCall) || !isPlainCall(y) {
			return false, false
		}
		if x.FuncCall.Funcformat != y.Funcformat {
			return false, true
		}
		return compareNames(x.FuncCall.Funcname, y.Funcname)
	case *Node_ColumnRef:
		if y := b.GetColumnRef(); y != nil {
			return compareNames(x.ColumnRef.Fields, y.Fields)
		}
		return false, true
	case *Node_AExpr:
		if y := b.GetAExpr(); y != nil {
			return compareOperators(x.AExpr, y)
		}
		return false, true
	case *Node_BoolExpr:
		if y := b.GetBoolExpr(); y != nil && y.Boolop == x.BoolExpr.Boolop {
			return compareNodeLists(x.BoolExpr.Args, y.Args)
		}
		return false, true
	case *Node_NullTest:
		if y := b.GetNullTest(); y != nil && y.Nulltesttype == x.NullTest.Nulltesttype && y.Argisrow == x.NullTest.Argisrow && x.NullTest.Arg != nil && y.Arg != nil {
			return compareSimpleNodes(x.NullTest.Arg, y.Arg)
		}
		return false, true
	case *Node_List:
		if y := b.GetList(); y != nil {
			return compareNodeLists(x.List.Items, y.Items)
		}
		return false, true
	}
	return false, reflect.TypeOf(a.GetNode()) != reflect.TypeOf(b.GetNode())
}

// compareNodeLists is compareSimpleNodes for lists. One item that differs decides.
func compareNodeLists(a, b []*Node) (equal, ok bool) {
	if len(a) != len(b) {
		return false, true
	}
	ok = true
	for i := range a {
		itemEqual, sure := compareSimpleNodes(a[i], b[i])
		if sure && !itemEqual {
			return false, true
		}
		ok = ok && sure
	}
	return ok, ok
}

// compareOperators is compareSimpleNodes for operators.
func compareOperators(a, b *A_Expr) (equal, ok bool) {
	if a.Kind != b.Kind || (a.Lexpr == nil) != (b.Lexpr == nil) || (a.Rexpr == nil) != (b.Rexpr == nil) {
		return false, true
	}
	equal, ok = compareNames(a.Name, b.Name)
	for _, side := range [][2]*Node{{a.Lexpr, b.Lexpr}, {a.Rexpr, b.Rexpr}} {
		if ok && !equal {
			return false, true
		}
		if side[0] != nil {
			sideEqual, sure := compareSimpleNodes(side[0], side[1])
			if sure && !sideEqual {
				return false, true
			}
			ok = ok && sure
		}
	}
	return ok, ok
}

func equalConst(a, b *A_Const) bool {
	if a.Isnull != b.Isnull {
		return false
	}
	switch x := a.GetVal().(type) {
	case nil:
		return b.GetVal() == nil
	case *A_Const_Ival:
		y, ok := b.GetVal().(*A_Const_Ival)
		return ok && x.Ival.GetIval() == y.Ival.GetIval()
	case *A_Const_Fval:
		y, ok := b.GetVal().(*A_Const_Fval)
		return ok && x.Fval.GetFval() == y.Fval.GetFval()
	case *A_Const_Boolval:
		y, ok := b.GetVal().(*A_Const_Boolval)
		return ok && x.Boolval.GetBoolval() == y.Boolval.GetBoolval()
	case *A_Const_Sval:
		y, ok := b.GetVal().(*A_Const_Sval)
		return ok && x.Sval.GetSval() == y.Sval.GetSval()
	case *A_Const_Bsval:
		y, ok := b.GetVal().(*A_Const_Bsval)
		return ok && x.Bsval.GetBsval() == y.Bsval.GetBsval()
	}
	return false
}

// isPlainCall reports whether a call has only a name and arguments.
func isPlainCall(c *FuncCall) bool {
	return c.AggFilter == nil && c.Over == nil && len(c.AggOrder) == 0 && !c.AggWithinGroup && !c.AggStar && !c.AggDistinct && !c.FuncVariadic
}

func compareNames(a, b []*Node) (equal, ok bool) {
	if len(a) != len(b) {
		return false, true
	}
	for i := range a {
		x, y := a[i].GetString_(), b[i].GetString_()
		if x == nil || y == nil {
			return false, false
		}
		if x.Sval != y.Sval {
			return false, true
		}
	}
	return true, true
}

func equalMessages(a, b protoreflect.Message) bool {
	if a.Descriptor() != b.Descriptor() {
		return false
	}
	equal := true
	fields := a.Descriptor().Fields()
	for i := 0; i < fields.Len() && equal; i++ {
		fd := fields.Get(i)
		switch {
		case isLocation(fd.Name()):
		case a.Has(fd) != b.Has(fd):
			equal = false
		case !a.Has(fd):
		case fd.IsList():
			x, y := a.Get(fd).List(), b.Get(fd).List()
			equal = x.Len() == y.Len()
			for j := 0; j < x.Len() && equal; j++ {
				if fd.Message() != nil {
					equal = equalMessages(x.Get(j).Message(), y.Get(j).Message())
				} else {
					equal = x.Get(j).Equal(y.Get(j))
				}
			}
		case fd.Message() != nil:
			equal = equalMessages(a.Get(fd).Message(), b.Get(fd).Message())
		default:
			equal = a.Get(fd).Equal(b.Get(fd))
		}
	}
	return equal
}

// isLocation reports whether a field holds a place in the text.
func isLocation(name protoreflect.Name) bool {
	switch name {
	case "location", "stmt_location", "stmt_len", "rexpr_list_start", "rexpr_list_end":
		return true
	}
	return false
}
