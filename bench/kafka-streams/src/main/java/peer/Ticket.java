package peer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.common.utils.Bytes;

/** State of one ticket, with a compact binary form for the store and its changelog. Times in epoch ms, 0 = none. */
final class Ticket {
    static final String[] PRIORITIES = {"critical", "high", "normal", "low"};
    static final long HOUR = 3_600_000L;
    /** A hundred times 15 m, 1 h, 4 h, 8 h and 4 h, 8 h, 24 h, 72 h: nothing falls due while something is measured. */
    static final long[] FIRST_RESPONSE = {25 * HOUR, 100 * HOUR, 400 * HOUR, 800 * HOUR};
    static final long[] RESOLUTION = {400 * HOUR, 800 * HOUR, 2400 * HOUR, 7200 * HOUR};

    final Bytes id;
    String status;
    int priority = -1;
    String category;
    String queue;
    String assignee;
    String tier;
    long createdAt;
    long firstResponseAt;
    long responseDue;
    long resolutionDue;
    int level;
    String lastEvent;
    /** Only updates were seen so far: the two topics have no common order. Dropped when resolutionDue passes. */
    boolean stub;
    boolean solved;

    /** Earliest deadline under which the ticket stands in the deadline heap (0: not there). Not stored. */
    long armed;
    boolean gone;

    Ticket(Bytes id) {
        this.id = id;
    }

    long nextDue() {
        if (responseDue == 0) {
            return resolutionDue;
        }
        return resolutionDue == 0 ? responseDue : Math.min(responseDue, resolutionDue);
    }

    static int priorityOf(String s) {
        for (int i = 0; i < PRIORITIES.length; i++) {
            if (PRIORITIES[i].equals(s)) {
                return i;
            }
        }
        return 2;
    }

    /** Buffer of one task; a task is only ever run by one thread at a time. */
    static final class Codec {
        private byte[] buf = new byte[512];
        private int at;

        byte[] encode(Ticket t) {
            at = 0;
            buf[at++] = (byte) ((t.stub ? 1 : 0) | (t.solved ? 2 : 0));
            buf[at++] = (byte) t.priority;
            varint(t.level);
            varint(t.createdAt);
            varint(t.firstResponseAt);
            varint(t.responseDue);
            varint(t.resolutionDue);
            text(t.status);
            text(t.category);
            text(t.queue);
            text(t.assignee);
            text(t.tier);
            text(t.lastEvent);
            return Arrays.copyOf(buf, at);
        }

        static Ticket decode(Bytes id, byte[] b) {
            Codec c = new Codec(b);
            Ticket t = new Ticket(id);
            int flags = b[c.at++];
            t.stub = (flags & 1) != 0;
            t.solved = (flags & 2) != 0;
            t.priority = b[c.at++];
            t.level = (int) c.readVarint();
            t.createdAt = c.readVarint();
            t.firstResponseAt = c.readVarint();
            t.responseDue = c.readVarint();
            t.resolutionDue = c.readVarint();
            t.status = c.readText();
            t.category = c.readText();
            t.queue = c.readText();
            t.assignee = c.readText();
            t.tier = c.readText();
            t.lastEvent = c.readText();
            return t;
        }

        Codec() { }

        private Codec(byte[] b) {
            buf = b;
        }

        private void varint(long v) {
            if (at + 10 > buf.length) {
                buf = Arrays.copyOf(buf, buf.length * 2);
            }
            while ((v & ~0x7fL) != 0) {
                buf[at++] = (byte) (v | 0x80);
                v >>>= 7;
            }
            buf[at++] = (byte) v;
        }

        private void text(String s) {
            if (s == null) {
                varint(0);
                return;
            }
            byte[] u = s.getBytes(StandardCharsets.UTF_8);
            varint(u.length + 1L);
            if (at + u.length > buf.length) {
                buf = Arrays.copyOf(buf, Math.max(buf.length * 2, at + u.length));
            }
            System.arraycopy(u, 0, buf, at, u.length);
            at += u.length;
        }

        private long readVarint() {
            long v = 0;
            for (int shift = 0; ; shift += 7) {
                byte b = buf[at++];
                v |= (long) (b & 0x7f) << shift;
                if (b >= 0) {
                    return v;
                }
            }
        }

        private String readText() {
            int n = (int) readVarint() - 1;
            if (n < 0) {
                return null;
            }
            String s = new String(buf, at, n, StandardCharsets.UTF_8);
            at += n;
            return s;
        }
    }
}
