package collect

// queue holds the client's messages that are not answered yet, in their order.
type queue struct {
	list []op
	head int
}

func (q *queue) opCount() int { return len(q.list) - q.head }

// pushOp appends a message. The result is valid until the next call.
func (q *queue) pushOp(kind byte) *op {
	switch {
	case q.head == len(q.list):
		if cap(q.list) > 4096 {
			q.list = nil
		}
		q.list, q.head = q.list[:0], 0
	case q.head > 1024 && q.head > len(q.list)/2:
		q.list = q.list[:copy(q.list, q.list[q.head:])]
		q.head = 0
	}
	q.list = append(q.list, op{kind: kind})
	return &q.list[len(q.list)-1]
}

// firstOp returns the message that is answered next; nil if there is none.
func (q *queue) firstOp() *op {
	if q.opCount() == 0 {
		return nil
	}
	return &q.list[q.head]
}

func (q *queue) popOp() {
	q.list[q.head] = op{}
	q.head++
}

// dropUntil drops the messages before the first one that fits an answer, and returns it. If none fits, it returns nil and all
// stay: nobody understands that answer.
func (q *queue) dropUntil(fits func(*op) bool) *op {
	for i := q.head; i < len(q.list); i++ {
		if fits(&q.list[i]) {
			for q.head < i {
				q.popOp()
			}
			return &q.list[i]
		}
	}
	return nil
}

// dropAfterCopy forgets the messages that would be answered after a COPY that has just got its last data: the
// server has discarded them.
func (q *queue) dropAfterCopy() {
	if q.opCount() > 1 && q.firstOp().kind == opExecute {
		remainingOps := q.list[:q.head+1]
		for _, o := range q.list[q.head+1:] {
			if o.kind != opSync {
				remainingOps = append(remainingOps, o)
			}
		}
		q.list = remainingOps
	}
}
