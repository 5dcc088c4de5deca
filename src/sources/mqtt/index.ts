export { MQTT_FORM, parseBroker } from './broker-address.ts';
export { type MqttOptions, MqttSource } from './source.ts';
export { TopicPattern } from './topic.ts';
