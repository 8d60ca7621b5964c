package pgparse

import "github.com/sqlc-dev/oliphant/ast"

// Repack has the options of a REPACK. In the tree, REPACK is a CLUSTER with further parameters.
type Repack struct {
	// Concurrently, Analyze: its options.
	Concurrently, Analyze bool
	// UsingIndex: the rows get the order of an index, the named one or the one that is marked.
	UsingIndex bool
	// Columns are those that ANALYZE reads.
	Columns []*Node
}

// The names of parameters that only the tree of a REPACK has.
const (
	repackParam        = "repack"
	repackIndexParam   = "using index"
	repackColumnsParam = "columns"
)

// RepackOf returns what a REPACK says; nil for CLUSTER.
func RepackOf(s *ClusterStmt) *Repack {
	var out *Repack
	for _, n := range s.GetParams() {
		if n.GetDefElem().GetDefname() == repackParam {
			out = &Repack{}
		}
	}
	if out == nil {
		return nil
	}
	for _, n := range s.GetParams() {
		switch d := n.GetDefElem(); d.GetDefname() {
		case "concurrently":
			out.Concurrently = BoolValue(d)
		case "analyze":
			out.Analyze = BoolValue(d)
		case repackIndexParam:
			out.UsingIndex = true
		case repackColumnsParam:
			out.Columns = d.GetArg().GetList().GetItems()
		}
	}
	return out
}

// RepackedTable returns the table of a REPACK (CONCURRENTLY); nil for anything else.
func RepackedTable(n *Node) *RangeVar {
	c := n.GetClusterStmt()
	if repack := RepackOf(c); repack == nil || !repack.Concurrently {
		return nil
	}
	return c.GetRelation()
}

// rewriteRepack writes REPACK as VACUUM, which has the same options and columns, and turns its tree into a CLUSTER.
func (x *newerText) rewriteRepack() {
	switch x.readWord(1) {
	case "full", "freeze", "verbose", "analyze", "analyse":
		return // only VACUUM has such words without parentheses
	}
	for i := 1; i < len(x.words); i++ {
		switch x.words[i].kind {
		case '(':
			if i = x.findClosing(i); i < 0 {
				return
			}
		case ',':
			return // VACUUM takes several tables
		}
	}
	x.replaceWords(0, 1, "VACUUM", x.copySource(0, 1))
	using, index := false, ""
	for i := 1; i < len(x.words); i++ {
		if !x.hasWords(i, "using", "index") {
			continue
		}
		if using = true; i+2 < len(x.words) {
			if index = x.copySource(i+2, len(x.words)); i+3 != len(x.words) {
				return // something else follows, which the parser refuses
			}
			index = foldName(index)
		}
		x.replaceWords(i, len(x.words), "", "")
		break
	}
	x.finish = append(x.finish, func(n *Node) {
		v := n.GetVacuumStmt()
		if v == nil {
			return
		}
		param := func(name string, arg *Node) *Node {
			return &Node{Node: &ast.Node_DefElem{DefElem: &ast.DefElem{Defname: name, Arg: arg}}}
		}
		c := &ast.ClusterStmt{Indexname: index, Params: append([]*Node{param(repackParam, nil)}, v.Options...)}
		if using {
			c.Params = append(c.Params, param(repackIndexParam, nil))
		}
		if len(v.Rels) > 0 {
			rel := v.Rels[0].GetVacuumRelation()
			c.Relation = rel.GetRelation()
			if len(rel.GetVaCols()) > 0 {
				c.Params = append(c.Params, param(repackColumnsParam, &Node{Node: &ast.Node_List{List: &ast.List{Items: rel.GetVaCols()}}}))
			}
		}
		n.Node = &ast.Node_ClusterStmt{ClusterStmt: c}
	})
}
