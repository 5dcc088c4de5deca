/** A decoded message with the values of its data in the place of their texts, as whoever reads it sees them. */
export function plain<Message>(message: Message): Message {
  return JSON.parse(JSON.stringify(message));
}
