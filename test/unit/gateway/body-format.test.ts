import { describe, expect, test } from 'vitest';
import { declaredFormat, sniffFormat } from '../../../src/gateway/body-format.ts';

describe('declaredFormat', () => {
  test.each([
    ['application/json', 'json'],
    ['Application/JSON; charset=UTF-8', 'json'],
    ['application/cloudevents+json', 'json'],
    ['application/x-ndjson', 'lines'],
    ['application/jsonl', 'lines'],
    ['application/msgpack', 'message-pack'],
    ['application/vnd.msgpack', 'message-pack'],
    ['', 'either'],
    ['text/plain;charset=UTF-8', 'either'],
    ['application/x-www-form-urlencoded', 'either'],
    ['text/csv', null],
    ['application/xml', null],
    ['multipart/form-data; boundary=x', null],
  ])('%j is %s', (type, expected) => {
    expect(declaredFormat(type)).toBe(expected);
  });
});

describe('sniffFormat', () => {
  test.each([
    ['{"type":"a"}', 'json'],
    ['[]', 'json'],
    [' \n{', 'json'],
    ['\ufeff{}', 'json'],
    ['nonsense', 'json'],
  ])('%j is %s', (text, expected) => {
    expect(sniffFormat(Buffer.from(text))).toBe(expected);
  });

  test.each([0x81, 0x92, 0xdc, 0xdd, 0xde, 0xdf, 0xd4])('0x%s begins MessagePack', (first) => {
    expect(sniffFormat(Buffer.of(first, 0))).toBe('message-pack');
  });
});
