package collect

// queue holds the client's messages that are not answered yet, in their order.
type queue struct {
	list []op
	head int
}

func (q *queue) len() int { return len(q.list) - q.head }

// push appends a message. What it gives is valid until the next one.
func (q *queue) push(kind byte) *op {
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

// front is the message that is answered next; nil where there is none.
func (q *queue) front() *op {
	if q.len() == 0 {
		return nil
	}
	return &q.list[q.head]
}

func (q *queue) pop() {
	q.list[q.head] = op{}
	q.head++
}

// until drops messages before the first that an answer can be to. Where there is none all
// stay: then it is the answer that nobody understands.
func (q *queue) until(fits func(*op) bool) *op {
	for i := q.head; i < len(q.list); i++ {
		if fits(&q.list[i]) {
			for q.head < i {
				q.pop()
			}
			return &q.list[i]
		}
	}
	return nil
}

// copied forgets what was to be answered behind a COPY that has just got its last data: the
// server has thrown it away.
func (q *queue) copied() {
	if q.len() > 1 && q.front().kind == opExecute {
		kept := q.list[:q.head+1]
		for _, o := range q.list[q.head+1:] {
			if o.kind != opSync {
				kept = append(kept, o)
			}
		}
		q.list = kept
	}
}
