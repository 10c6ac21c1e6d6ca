package peer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The escalation logic of one task (one partition number of both topics).
 *
 * <p>The store is the durable truth, written on every change. Reads are answered from decoded tickets that this object
 * keeps beside it, so that an event costs one encode and no decode; they and the deadline heap are rebuilt from the store in
 * init(), which Streams calls after each restore, also after a task was closed dirty.
 */
final class Engine implements Processor<byte[], byte[], byte[], byte[]> {
    private static final JsonFactory JSON = new JsonFactory();

    private final HashMap<Bytes, Ticket> tickets = new HashMap<>();
    private final Deadlines deadlines = new Deadlines();
    private final Event event = new Event();
    private final Ticket.Codec codec = new Ticket.Codec();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(512);
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<Bytes, byte[]> store;

    @Override
    public void init(ProcessorContext<byte[], byte[]> c) {
        context = c;
        store = c.getStateStore(Main.STORE);
        tickets.clear();
        deadlines.clear();
        try (KeyValueIterator<Bytes, byte[]> all = store.all()) {
            while (all.hasNext()) {
                KeyValue<Bytes, byte[]> kv = all.next();
                Ticket t = Ticket.Codec.decode(kv.key, kv.value);
                tickets.put(kv.key, t);
                deadlines.keep(t);
            }
        }
        c.schedule(Duration.ofSeconds(1), PunctuationType.WALL_CLOCK_TIME, this::fire);
    }

    @Override
    public void process(Record<byte[], byte[]> r) {
        try {
            event.read(r.value());
        } catch (IOException e) {
            Main.say("skipped a bad event: " + e.getMessage());
            return;
        }
        Bytes id = Bytes.wrap(r.key());
        if (context.recordMetadata().get().topic().equals(Main.CREATED)) {
            created(id, r.timestamp());
        } else {
            updated(id, r.timestamp());
        }
    }

    private void created(Bytes id, long ts) {
        Ticket t = tickets.get(id);
        if (t == null) {
            t = new Ticket(id);
            tickets.put(id, t);
        } else if (event.eventId.equals(t.lastEvent)) {
            return;
        } else if (!t.stub) {
            t.gone = true; // created anew under the same id
            t = new Ticket(id);
            tickets.put(id, t);
        }
        // what a stub already knows from updates is newer
        t.status = t.status != null ? t.status : event.status;
        t.priority = t.priority >= 0 ? t.priority : Ticket.priorityOf(event.priority);
        t.category = t.category != null ? t.category : event.category;
        t.queue = t.queue != null ? t.queue : event.queue;
        t.assignee = t.assignee != null ? t.assignee : event.assignee;
        t.tier = t.tier != null ? t.tier : event.tier;
        t.createdAt = event.occurredAt;
        t.responseDue = t.firstResponseAt != 0 ? 0 : t.createdAt + Ticket.FIRST_RESPONSE[t.priority];
        t.resolutionDue = t.solved ? 0 : t.createdAt + Ticket.RESOLUTION[t.priority];
        if (!t.stub) {
            t.lastEvent = event.eventId;
        }
        t.stub = false;
        if (t.priority == 0 || "critical".equals(event.priority)) {
            raiseTo(t, 1, "priority_critical", t.createdAt, System.currentTimeMillis(), ts);
        }
        deadlines.keep(t);
        store.put(id, codec.encode(t));
    }

    private void updated(Bytes id, long ts) {
        Ticket t = tickets.get(id);
        if (t == null) {
            t = new Ticket(id);
            t.stub = true;
            t.resolutionDue = System.currentTimeMillis() + Ticket.HOUR;
            tickets.put(id, t);
        } else if (event.eventId.equals(t.lastEvent)) {
            return;
        }
        if ("closed".equals(event.status)) {
            t.gone = true;
            tickets.remove(id);
            store.delete(id);
            return;
        }
        t.lastEvent = event.eventId;
        if (event.status != null) {
            t.status = event.status;
            if (event.status.equals("solved")) {
                t.solved = true;
                if (!t.stub) {
                    t.resolutionDue = 0;
                }
            }
        }
        if (event.category != null) {
            t.category = event.category;
        }
        if (event.queue != null) {
            t.queue = event.queue;
        }
        if (event.assigneeSet) {
            t.assignee = event.assignee;
        }
        if (event.tier != null) {
            t.tier = event.tier;
        }
        if (event.agentReply && t.firstResponseAt == 0) {
            t.firstResponseAt = event.occurredAt;
            t.responseDue = 0;
        }
        if (event.priority != null) {
            int was = t.priority;
            t.priority = Ticket.priorityOf(event.priority);
            if (t.priority != was) {
                // a clock that was stopped, or has fired, stays so
                if (t.responseDue != 0) {
                    t.responseDue = t.createdAt + Ticket.FIRST_RESPONSE[t.priority];
                }
                if (t.resolutionDue != 0 && !t.stub) {
                    t.resolutionDue = t.createdAt + Ticket.RESOLUTION[t.priority];
                }
                if (t.priority == 0) {
                    raiseTo(t, 1, "priority_critical", event.occurredAt, System.currentTimeMillis(), ts);
                }
            }
        }
        deadlines.keep(t);
        store.put(t.id, codec.encode(t));
    }

    private void fire(long now) {
        Ticket t;
        while ((t = deadlines.poll(now)) != null) {
            if (t.stub) { // updates of a ticket that was closed, or never created
                t.gone = true;
                tickets.remove(t.id);
                store.delete(t.id);
                continue;
            }
            if (t.responseDue != 0 && t.responseDue <= now) {
                long due = t.responseDue;
                t.responseDue = 0;
                raiseTo(t, 1, "first_response_overdue", due, now, now);
            }
            if (t.resolutionDue != 0 && t.resolutionDue <= now) {
                long due = t.resolutionDue;
                t.resolutionDue = 0;
                raiseTo(t, 2, "resolution_overdue", due, now, now);
            }
            deadlines.keep(t);
            store.put(t.id, codec.encode(t));
        }
    }

    /** Raises to at least this level. */
    private void raiseTo(Ticket t, int level, String reason, long due, long now, long ts) {
        if (t.level >= level) {
            return;
        }
        t.level = level;
        byte[] key = t.id.get();
        String id = new String(key, StandardCharsets.UTF_8);
        String dueAt = Instant.ofEpochMilli(due).toString();
        String firedAt = Instant.ofEpochMilli(now).toString();
        try {
            out.reset();
            try (JsonGenerator g = JSON.createGenerator(out)) {
                g.writeStartObject();
                g.writeStringField("ticket_id", id);
                g.writeNumberField("level", level);
                g.writeStringField("reason", reason);
                g.writeStringField("due_at", dueAt);
                g.writeStringField("fired_at", firedAt);
                g.writeEndObject();
            }
            context.forward(new Record<>(key, out.toByteArray(), ts), Main.ESCALATED);
            out.reset();
            try (JsonGenerator g = JSON.createGenerator(out)) {
                g.writeStartObject();
                g.writeStringField("recipient", t.assignee != null ? t.assignee : t.queue);
                g.writeStringField("channel", "email");
                g.writeStringField("subject", "Ticket " + id + " raised to level " + level);
                g.writeStringField("body", "Ticket " + id + " in queue " + t.queue + " (category " + t.category + ", tier "
                    + t.tier + ", priority " + Ticket.PRIORITIES[t.priority] + ", status " + t.status
                    + ") was raised to escalation level " + level + " because of " + reason + ". It was due at " + dueAt
                    + ". Please take it over now.");
                g.writeEndObject();
            }
            context.forward(new Record<>(key, out.toByteArray(), ts), Main.NOTIFY);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
